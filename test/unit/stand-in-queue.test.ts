import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { WorkQueue, failureDelay } from '../../local-cluster/stand-in/queue.ts'

t.test('the delay after a failure doubles from 5 ms up to 10 s', async (t) => {
  t.same([0, 1, 2, 10, 11, 100].map(failureDelay), [5, 10, 20, 5120, 10_000, 10_000])
})

t.test('never works twice on a key at once, and repeats a key added meanwhile', async (t) => {
  const began: string[] = []
  const { promise: firstIsDone, resolve: finishFirst } = Promise.withResolvers<void>()
  const queue = new WorkQueue(async (key) => {
    began.push(key)
    if (began.length === 1) await firstIsDone
  })
  for (const key of ['a', 'a', 'b']) queue.add(key)
  await sleep(1)
  t.same(began, [], 'the work is not started')
  queue.start(2)
  await sleep(1)
  queue.add('a')
  await sleep(1)
  t.same(began, ['a', 'b'], 'a is in process')
  finishFirst()
  await sleep(1)
  t.same(began, ['a', 'b', 'a'])
  await queue.stop()
  queue.add('a')
  await sleep(1)
  t.equal(began.length, 3, 'the queue is stopped')
})

t.test('works on as many keys at a time as there are workers', async (t) => {
  const began: string[] = []
  const { promise: isOver, resolve: finish } = Promise.withResolvers<void>()
  const queue = new WorkQueue(async (key) => {
    began.push(key)
    await isOver
  })
  queue.start(2)
  for (const key of ['a', 'b', 'c']) queue.add(key)
  await sleep(1)
  t.same(began, ['a', 'b'])
  finish()
  await sleep(1)
  t.same(began, ['a', 'b', 'c'])
  await queue.stop()
})

t.test('the earliest of several times for a key counts', async (t) => {
  const { promise: key, resolve } = Promise.withResolvers<string>()
  const queue = new WorkQueue(async (key) => resolve(key))
  queue.start(1)
  queue.addAfter('a', 100_000)
  queue.addAfter('a', 10)
  queue.addAfter('a', 50_000)
  t.equal(await key, 'a')
  queue.addAfter('b', 100_000)
  await queue.stop()
})
