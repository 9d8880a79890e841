// A proxy between Metacontroller and the hook that writes every request to a file. It listens on
// 127.0.0.1:PORT: npm run record -- PORT HOOK_URL FOLDER
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const [port, hook, folder] = process.argv.slice(2)
if (port === undefined || hook === undefined || folder === undefined) {
  console.error('usage: npm run record -- PORT HOOK_URL FOLDER')
  process.exit(2)
}
mkdirSync(folder, { recursive: true })

let number = 0
createServer(async (call, reply) => {
  const body = await text(call)
  const path = call.url ?? '/'
  if (call.method === 'POST') {
    const parent = JSON.parse(body).parent?.metadata?.name
    const name = `${String(++number).padStart(3, '0')}-${path.slice(1)}-${parent}.json`
    writeFileSync(`${folder}/${name}`, JSON.stringify(JSON.parse(body), null, 1) + '\n')
    console.log(name)
  }
  try {
    const answer = await fetch(new URL(path, hook), {
      method: call.method ?? 'GET',
      headers: { 'content-type': 'application/json' },
      ...(call.method === 'POST' && { body }),
    })
    reply.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  } catch (error) {
    reply.writeHead(502, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        error: `the hook at ${hook} does not answer: ${(error as Error).message}`,
      }),
    )
  }
}).listen(Number(port), '127.0.0.1', () =>
  console.log(`recording into ${folder}: http://127.0.0.1:${port} -> ${hook}`),
)
