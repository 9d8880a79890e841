import t from 'tap'
import { soak } from '../support/soak/soak.ts'

t.setTimeout(420_000)

/** The short version of `npm run soak`. */
t.test('a fleet survives random kills without lost or leftover objects', async (t) => {
  const { problems, figures } = await soak({
    minutes: 1,
    apps: 40,
    seed: 17,
    // Other tests on the machine make convergence slow, so the limit is long.
    convergenceMs: 240_000,
    report: (line) => t.comment(line),
  })
  t.comment(JSON.stringify(figures))
  t.strictSame(problems, [])
})
