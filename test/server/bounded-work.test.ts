import { readFileSync } from 'node:fs'
import t from 'tap'
import { variables } from '../../src/config.ts'
import { asDeployed, startBuiltHook } from '../support/built-hook.ts'
import { excessiveBodies, largeBodies, pausedBody } from '../support/fixtures/large-bodies.ts'

const bodyLimit = variables.BODY_LIMIT.default

/** The peak memory of a process, in bytes. */
function peakMemory(pid: number | undefined): number {
  const [, kilobytes] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

t.test(
  'the hook answers every body of at most BODY_LIMIT bytes and stays within its memory limit',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async (t) => {
    const { environment, flags, memoryLimitBytes } = asDeployed()
    const { child, url } = await startBuiltHook(
      t,
      {
        ...environment,
        // 0 sets no limit. With a limit, a busy machine would also cause 429.
        MAX_EVENT_LOOP_DELAY_MS: '0',
        // Telemetry goes to a Collector that cannot be reached.
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      },
      flags,
    )
    const statusOf = async (body: string) => {
      const response = await fetch(`${url}/sync`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const answer = (await response.json()) as { error?: string }
      return { status: response.status, error: answer.error }
    }
    for (const [name, body] of Object.entries(largeBodies(bodyLimit, bodyLimit / 16))) {
      t.ok(Buffer.byteLength(body) <= bodyLimit, name)
      const answers = await Promise.all([body, body, body].map(statusOf))
      t.ok(
        answers.every(({ status }) => [200, 422, 429].includes(status)),
        `${name}: ${JSON.stringify(answers)}`,
      )
      t.ok(
        answers.some(({ status }) => status !== 429),
        `${name}: at least one of three is not refused for overload`,
      )
    }
    const paused = pausedBody(bodyLimit / 16)
    for (let round = 1; round <= 8; round++) {
      const answers = await Promise.all([paused, paused, paused].map(statusOf))
      t.ok(
        answers.every(({ status }) => status === 200 || status === 429),
        `a paused MyApp, round ${round}: ${JSON.stringify(answers)}`,
      )
    }
    for (const [name, body] of Object.entries(excessiveBodies(bodyLimit))) {
      const { status, error } = await statusOf(body)
      t.equal(status, 413, name)
      t.match(error, /^the body must (have|be) at most \d+ /, name)
    }
    t.equal((await fetch(`${url}/healthz`)).status, 200)
    const peak = peakMemory(child.pid)
    t.ok(peak < memoryLimitBytes, `peak memory: ${Math.round(peak / 1024 / 1024)} MiB`)
  },
)
