import type { Plugin } from 'esbuild'
import { root } from './root.ts'

/**
 * What @opentelemetry/instrumentation-fastify uses of other packages. It is a CommonJS package, so
 * esbuild cannot see that and would bundle all of them: among other things each semantic convention.
 */
const used: Record<string, string> = {
  '@opentelemetry/api': 'context, diag, SpanStatusCode, trace',
  '@opentelemetry/core': 'getRPCMetadata, RPCType',
  '@opentelemetry/instrumentation':
    'InstrumentationBase, InstrumentationNodeModuleDefinition, isWrapped, safeExecuteInTheMiddle',
  '@opentelemetry/semantic-conventions': 'ATTR_HTTP_ROUTE',
}

/** Bundles only the named exports for that package. */
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
