import type { Plugin } from 'esbuild'

/** A module that the hook never uses. In a bundle, Node would compile it at every start. */
interface Unreachable {
  module: RegExp
  /** The files that import it. Defaults to all files. */
  importer?: RegExp
  /** The code that replaces the module, for importers that use it while they load. */
  replacement?: string
}

const unreachable: Unreachable[] = [
  // NodeSDK can create every exporter and read a configuration file. Our exporters are created in
  // src/telemetry/export/exporters.ts and handed to it.
  {
    module: /^@opentelemetry\/(exporter-.*|configuration)$/,
    importer: /@opentelemetry\/sdk-node\//,
  },
  // Instrumentations patch modules while Node loads them. A bundle has no modules to patch.
  {
    module: /^(require|import)-in-the-middle$/,
    replacement: 'exports.Hook = class {}',
  },
  // No route has a Fastify schema, requests are not injected, and HTTP/2 is not served.
  {
    module: /^(@fastify\/(ajv|fast-json-stringify)-compiler|light-my-request|node:http2)$/,
    importer: /\/fastify\//,
  },
  // Fastify compares its version with the versions that plugins require. No plugin requires one.
  { module: /^semver$/, importer: /\/fastify\// },
  // pino can write from a worker thread. The hook logs from its main thread.
  {
    module: /^(node:)?worker_threads$/,
    importer: /\/pino\//,
    replacement: 'exports.isMainThread = true',
  },
  { module: /^thread-stream$/ },
  // The validators are compiled at build time, so the hook needs no schemas. Modules that define
  // schemas still call TypeBox while they load. Each call returns an empty object.
  {
    module: /^typebox$/,
    replacement: 'const typebox = new Proxy({}, { get: () => () => ({}) }); export default typebox',
  },
]

/**
 * Leaves modules out of the bundle. Code that calls a module without a replacement throws an error
 * that names the module.
 */
export const leaveOutUnreachable: Plugin = {
  name: 'leave-out-unreachable',
  setup({ onResolve, onLoad }) {
    for (const { module, importer = /./, replacement } of unreachable) {
      onResolve({ filter: module }, ({ path, importer: by }) =>
        importer.test(by)
          ? { path, namespace: 'unreachable', pluginData: replacement ?? refusing(path) }
          : undefined,
      )
    }
    onLoad({ filter: /./, namespace: 'unreachable' }, ({ pluginData }) => ({
      contents: pluginData,
      loader: 'js',
    }))
  },
}

/** The source of a module whose exports throw when they are called. */
export function refusing(module: string): string {
  const message = `${module} is left out of the bundle (build/unreachable.ts)`
  return `
    function refuse() { throw new Error(${JSON.stringify(message)}) }
    module.exports = new Proxy(refuse, {
      get: (target, name) => name === '__esModule' ? false : name in target ? target[name] : refuse,
    })`
}
