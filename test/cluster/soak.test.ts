import t from 'tap'
import { soak } from '../support/soak/soak.ts'

t.setTimeout(300_000)

/** The short version of `npm run soak`. */
t.test('a fleet survives random kills without lost or leftover objects', async (t) => {
  const { problems, figures } = await soak({
    minutes: 1,
    apps: 40,
    seed: 17,
    report: (line) => t.comment(line),
  })
  t.comment(JSON.stringify(figures))
  t.strictSame(problems, [])
})
