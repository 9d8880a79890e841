/**
 * The program of the Job in manifests/certificates: `node dist/certificates.js PART…`. It creates
 * the certificates of the hook and of Metacontroller, and the key for digests of config.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from './api-server.ts'
import { createMissing, type Part, parts } from './create-missing.ts'
import { namespaces } from './objects.ts'

const isPart = (name: string): name is Part => parts.some((part) => part === name)

/**
 * The number of attempts. An early attempt can fail, because the API server, a role or another
 * object may appear after the pod. 20 attempts take about a minute and a half. After the last
 * attempt the kubelet restarts the container.
 */
const attempts = Number(process.env['ATTEMPTS'] || 20)

async function run(args: string[]): Promise<void> {
  if (args.length === 0 || !args.every(isPart)) {
    throw new Error(`usage: certificates.js PART…, of ${parts.join(', ')}`)
  }
  if (!(attempts >= 1)) {
    throw new Error(`ATTEMPTS must be at least 1, got ${JSON.stringify(process.env['ATTEMPTS'])}`)
  }
  const requested = new Set(args)
  const api = connect(process.env)
  const metacontrollerNamespace =
    process.env['METACONTROLLER_NAMESPACE'] || namespaces.metacontroller
  const report = (line: string) => process.stdout.write(`${line}\n`)
  for (let attempt = 1; ; attempt++) {
    try {
      await createMissing(requested, api, { now: new Date(), report, metacontrollerNamespace })
      return
    } catch (error) {
      if (attempt >= attempts) throw error
      complain(error)
      await sleep(Math.min(250 * 2 ** attempt, 5000))
    }
  }
}

const complain = (error: unknown) => process.stderr.write(`${messageOf(error)}\n`)

/** The message of an error and of its cause: `fetch failed` alone is not helpful. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? `${message}: ${cause.message}` : message
}

await run(process.argv.slice(2)).catch((error: unknown) => {
  complain(error)
  process.exitCode = 1
})
