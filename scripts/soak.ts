// Runs a fleet of MyApps while programs are killed at random, and prints a verdict.
//   npm run soak -- --minutes 60 --apps 200 --seed 1
import { parseArgs } from 'node:util'
import { soak } from '../test/support/soak/soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    apps: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(1 + (Date.now() % 1_000_000)) },
  },
})
const options = {
  minutes: Number(values.minutes),
  apps: Number(values.apps),
  seed: Number(values.seed),
}
if (Object.values(options).some((value) => !(value > 0))) {
  console.error('--minutes, --apps and --seed must be numbers above 0')
  process.exit(2)
}
console.log(`${options.apps} MyApps for ${options.minutes} min, seed ${options.seed}`)
const { problems, unchecked, figures } = await soak({
  ...options,
  report: (line) => console.log(line),
})
for (const [name, figure] of Object.entries(figures)) console.log(`${name}: ${figure}`)
for (const problem of problems) console.log(`PROBLEM ${problem}`)
console.log([problems.length === 0 ? 'PASSED' : 'FAILED', ...unchecked].join(', '))
process.exitCode = problems.length === 0 ? 0 : 1
