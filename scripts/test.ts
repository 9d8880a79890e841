// Runs all checks of `npm test`. The last line is their sum.
import { spawn } from 'node:child_process'
import { join } from 'node:path'

interface Step {
  name: string
  script: string
}

/** The stages run in order. The steps of a stage run in parallel. */
const stages: Step[][] = [
  [
    { name: 'types', script: 'types' },
    { name: 'build', script: 'build' },
  ],
  [
    { name: 'lint', script: 'lint' },
    { name: 'unit tests', script: 'test:unit' },
  ],
  [{ name: 'server tests', script: 'test:server' }],
  [{ name: 'cluster tests', script: 'test:cluster' }],
]

/** The numbers of passed and failed checks of a step. */
interface Counts {
  passed: number
  failed: number
}

interface Result extends Counts {
  name: string
  seconds: number
  code: number | null
}

/** Hundreds of processes load the same modules, so their compiled code is cached. */
const env = {
  ...process.env,
  NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compiled'),
}

/** Runs a step and prints its output. */
function run({ name, script }: Step): Promise<Result> {
  const before = performance.now()
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', script], {
      env,
      stdio: ['inherit', 'pipe', 'inherit'],
    })
    let output = ''
    const end = (code: number | null) =>
      resolve({ name, seconds: (performance.now() - before) / 1000, code, ...counts(code, output) })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      process.stdout.write(text)
    })
    child.on('error', () => end(null))
    child.on('close', end)
  })
}

/** Reads the summary of tap. A step without a summary counts as one check. */
function counts(code: number | null, output: string): Counts {
  const sum = [...output.matchAll(/# \{ total: (\d+), pass: (\d+)(?:, fail: (\d+))?/g)].at(-1)
  if (sum === undefined) return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
  const [passed, failed] = [Number(sum[2]), Number(sum[1]) - Number(sum[2])]
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed }
}

const results: Result[] = []
for (const stage of stages) {
  console.log(`\n── ${stage.map(({ name, script }) => `${name} (npm run ${script})`).join(', ')}`)
  const ended = await Promise.all(stage.map(run))
  results.push(...ended)
  // The next stages need the build.
  if (ended.some(({ name, code }) => name === 'build' && code !== 0)) break
}

console.log()
for (const { name, seconds, passed, failed } of results) {
  const columns = [
    name.padEnd(14),
    `${String(passed).padStart(6)} passed`,
    `${String(failed).padStart(4)} failed`,
    `${seconds.toFixed(0).padStart(5)} s`,
  ]
  console.log(columns.join(' '))
}
const [passed, failed] = (['passed', 'failed'] as const).map((key) =>
  results.reduce((sum, result) => sum + result[key], 0),
)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && results.length === stages.flat().length ? 0 : 1
