import type { Plugin } from 'esbuild'
import { readFile } from 'node:fs/promises'

/**
 * Bundles packages that the OTLP gRPC exporter loads with a renamed `require`, which esbuild does
 * not follow. The image has no node_modules to load them from.
 */
export const hiddenRequires: Plugin = {
  name: 'hidden-requires',
  setup({ onLoad }) {
    onLoad(
      { filter: /\/(grpc-exporter-transport|otlp-grpc-export-delegate)\.mjs$/ },
      async ({ path }) => {
        const source = await readFile(path, 'utf8')
        if (!source.includes('__require("@')) {
          throw new Error(`${path} has no __require: remove build/hidden-requires.ts`)
        }
        return { contents: source.replaceAll('__require("@', 'require("@'), loader: 'js' }
      },
    )
  },
}
