import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// What V8 makes of the built program is kept beside it (build/build.ts), so this comes before the program is loaded.
if (import.meta.url.endsWith('/dist/main.js')) {
  enableCompileCache({
    directory: fileURLToPath(new URL('cache', import.meta.url)),
    portable: true,
  })
}
const { runOperator } = await import('./operator.ts')
await runOperator()
