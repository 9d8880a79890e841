import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createQueue, failureDelay } from '../../local-cluster/stand-in/queue.ts'

t.test('the delay doubles from 5 ms up to 1000 s', async (t) => {
  t.same(
    [0, 1, 2, 10, 17, 18, 100].map(failureDelay),
    [5, 10, 20, 5120, 655360, 1_000_000, 1_000_000],
  )
})

t.test('a key is queued once and processed once at a time', async (t) => {
  const queue = createQueue()
  queue.add('a')
  queue.add('a')
  queue.add('b')
  t.equal(await queue.get(), 'a')
  queue.add('a')
  t.equal(await queue.get(), 'b', 'a is still in process')
  queue.done('a')
  t.equal(await queue.get(), 'a')
  queue.shutDown()
  t.equal(await queue.get(), undefined)
})

t.test('the earliest of several times for a key counts', async (t) => {
  const queue = createQueue()
  queue.addAfter('a', 10_000)
  queue.addAfter('a', 10)
  queue.addAfter('a', 5000)
  t.equal(await queue.get(), 'a')
  queue.done('a')
  queue.addAfter('b', 10_000)
  await sleep(20)
  queue.shutDown()
})
