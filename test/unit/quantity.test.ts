import t from 'tap'
import { canonicalQuantity } from '../../src/api/quantity.ts'

const cases: Array<[written: string | number, stored: string]> = [
  [1, '1'],
  ['0', '0'],
  ['0.5', '500m'],
  ['1000m', '1'],
  ['1500m', '1500m'],
  ['2', '2'],
  ['0.001', '1m'],
  ['1000', '1k'],
  ['1024Mi', '1Gi'],
  ['1536Mi', '1536Mi'],
  ['1.5Gi', '1536Mi'],
  ['0.5Gi', '512Mi'],
  ['128Mi', '128Mi'],
  ['1000M', '1G'],
  ['1024', '1024'],
  ['0.5Ki', '512'],
  ['1Ki', '1Ki'],
  ['1048576Ki', '1Gi'],
  ['7Ei', '7Ei'],
  ['8Ei', '9223372036854775807'],
  ['99Ei', '9223372036854775807'],
  ['10E', '10E'],
]

for (const [written, stored] of cases) {
  t.test(`the quantity ${written} is stored as ${stored}`, async (t) =>
    t.equal(canonicalQuantity(written), stored),
  )
}
