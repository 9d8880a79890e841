import type { Plugin } from 'esbuild'
import { root } from './root.ts'

/**
 * The exports of other packages that @opentelemetry/instrumentation-fastify uses. It is a CommonJS
 * package, so esbuild cannot leave out unused exports, such as the other semantic conventions.
 */
const used: Record<string, string> = {
  '@opentelemetry/api': 'context, diag, SpanStatusCode, trace',
  '@opentelemetry/core': 'getRPCMetadata, RPCType',
  '@opentelemetry/instrumentation':
    'InstrumentationBase, InstrumentationNodeModuleDefinition, isWrapped, safeExecuteInTheMiddle',
  '@opentelemetry/semantic-conventions': 'ATTR_HTTP_ROUTE',
}

/** Bundles only these exports for @opentelemetry/instrumentation-fastify. */
export const usedExportsOnly: Plugin = {
  name: 'used-exports-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@opentelemetry\// }, ({ path, importer }) =>
      used[path] !== undefined && /\/instrumentation-fastify\//.test(importer)
        ? { path, namespace: 'used' }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'used' }, ({ path }) => ({
      contents: `export { ${used[path]} } from '${path}'`,
      resolveDir: root,
    }))
  },
}
