# The bundle is JavaScript, the same for every platform: it is built on the builder's own.
FROM --platform=$BUILDPLATFORM docker.io/library/node:24-trixie-slim AS build
WORKDIR /src
# The packages alone first: they are fetched anew only when these files change.
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build

# Node and what it links to; no shell, no package manager. Its entrypoint is node.
FROM gcr.io/distroless/nodejs24-debian13:nonroot
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="myapp-operator" \
      org.opencontainers.image.description="The hook that tells Metacontroller what a MyApp is made of" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
# On loopback, the default, a container would answer nobody. The C library gives memory back that
# it would keep: what one thread has freed from the others, and what large bodies took.
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    MALLOC_ARENA_MAX=1 \
    MALLOC_MMAP_THRESHOLD_=32768 \
    MALLOC_TRIM_THRESHOLD_=131072
WORKDIR /app
# package.json says that the bundle's files are modules.
COPY --from=build --chmod=644 /src/package.json ./
COPY --from=build /src/dist dist
# A number, so that runAsNonRoot can be checked. Nothing is written: a read-only root will do.
USER 65534:65534
EXPOSE 8080
# As `npm start`: what is short-lived is collected in small steps.
CMD ["--max-semi-space-size=4", "--min-semi-space-size=4", "dist/main.js"]
