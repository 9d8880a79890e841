# CONTRIBUTING.md, "Release", says how to pin both base images by digest.

# The bundle is plain JavaScript, so it is built on the platform of the builder.
FROM --platform=$BUILDPLATFORM docker.io/library/node:24-trixie-slim AS build
WORKDIR /src
# Packages first: this layer changes only with these files.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY build build
COPY src src
# The image needs neither source maps nor the command line.
RUN npm run build && rm dist/*.map dist/cli.js

# Node and its libraries. No shell and no package manager; the entry point is node.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="myapp-operator" \
      org.opencontainers.image.description="Metacontroller hook that maps a MyApp to its children" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# HOST: the default, loopback, is not reachable from other pods.
# MALLOC_*: glibc returns memory of large bodies, and of other threads, to the system.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=32768 \
    MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
COPY LICENSE ./
# package.json declares that the files of the bundle are ES modules.
COPY --from=build --chmod=644 /src/package.json ./
COPY --from=build /src/dist dist
# A number, so that the kubelet can check runAsNonRoot. The hook writes no file.
USER 65534:65534
EXPOSE 8080
# The hook may read its own files and what is mounted below /etc/myapp-operator (certificates, keys,
# tokens). It may not write files, start processes or threads, or load addons. See build/flags.ts.
CMD ["--permission", "--allow-fs-read=/app", "--allow-fs-read=/etc/myapp-operator", "--disable-proto=delete", "--max-semi-space-size=4", "--min-semi-space-size=4", "dist/main.js"]
