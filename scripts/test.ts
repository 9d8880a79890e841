// Everything that `npm test` proves, with the sum of it in the last line.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

interface Step {
  says: string
  script: string
}

/** One stage after the other; the steps of a stage side by side. */
const stages: Step[][] = [
  [
    { says: 'types', script: 'types' },
    { says: 'build', script: 'build' },
  ],
  [
    { says: 'lint', script: 'lint' },
    { says: 'unit tests', script: 'test:unit' },
  ],
  [{ says: 'server tests', script: 'test:server' }],
  [{ says: 'cluster tests', script: 'test:cluster' }],
]

/** How many checks a step passed and failed. */
interface Counts {
  passed: number
  failed: number
}

interface Result extends Counts {
  says: string
  seconds: number
  code: number | null
}

/** Hundreds of processes load the same modules: what V8 has made of them is kept. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compiled'),
}

/** Runs a step to its end; what it prints is shown as it comes. */
function run({ says, script }: Step): Promise<Result> {
  const before = performance.now()
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script], {
      env,
      stdio: ['inherit', 'pipe', 'inherit'],
    })
    let output = ''
    const end = (code: number | null) =>
      resolve({ says, seconds: (performance.now() - before) / 1000, code, ...counts(code, output) })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', () => end(null))
    child.on('close', end)
  })
}

/** What tap sums up at the end; a step that is not tests counts as one check, and a step that broke off as one that failed. */
function counts(code: number | null, output: string): Counts {
  const sum = [...output.matchAll(/# \{ total: (\d+), pass: (\d+)(?:, fail: (\d+))?/g)].at(-1)
  if (sum === undefined) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
  const [passed, failed] = [Number(sum[2]), Number(sum[1]) - Number(sum[2])]
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed }
}

const results: Result[] = []
for (const stage of stages) {
  console.log(`\n── ${stage.map(({ says, script }) => `${says} (npm run ${script})`).join(', ')}`)
  const ended = await Promise.all(stage.map(run))
  results.push(...ended)
  if (ended.some(({ says, code }) => says === 'build' && code !== 0)) break // what follows would test something else than the source
}

console.log()
for (const { says, seconds, passed, failed } of results) {
  console.log(
    `${says.padEnd(14)} ${String(passed).padStart(6)} passed ${String(failed).padStart(4)} failed  ${seconds.toFixed(0).padStart(4)} s`,
  )
}
const [passed, failed] = (['passed', 'failed'] as const).map((key) =>
  results.reduce((sum, result) => sum + result[key], 0),
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && results.length === stages.flat().length ? 0 : 1
