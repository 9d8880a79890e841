// The baseline: what can't be left out, on node:http and nothing else. POST /parse answers how long JSON.parse alone takes, in ms.
import { createServer } from 'node:http'
import type { HookRequest } from '../src/myapp/request.ts'
import { sync } from '../src/myapp/sync.ts'

// As long as the hook's: its connections are kept while the other one is measured.
createServer({ keepAliveTimeout: 95_000 }, (call, answer) => {
  const chunks: Buffer[] = []
  call.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
  })
  call.on('end', () => {
    const text = Buffer.concat(chunks).toString()
    const start = performance.now()
    const request = JSON.parse(text) as HookRequest
    const parsed = performance.now() - start
    const body = call.url === '/parse' ? String(parsed) : JSON.stringify(sync(request, {}))
    answer
      .writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      .end(body)
  })
}).listen(Number(process.env['PORT']), '127.0.0.1')
