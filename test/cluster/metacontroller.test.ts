/**
 * The behavior of Metacontroller 4.17.2 that the hook relies on, with its traps. The stand-in must
 * behave the same.
 */
import t from 'tap'
import { engineName } from '../../local-cluster/metacontroller.ts'
import { type Stage, startScriptedCluster } from '../support/cluster/scripted-cluster.ts'
import type { Request } from '../support/cluster/scripted-hook.ts'

t.setTimeout(600_000)
const open = await startScriptedCluster(t)
t.jobs = Infinity

const variables = (...names: string[]): object[] =>
  names.map((name) => ({ name, value: name.toLowerCase() }))

function service(name: string, port = 80): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ name: 'http', port, targetPort: port }] },
  }
}

interface Parts {
  metadata?: object
  spec?: object
  pod?: object
  container?: object
}

function deployment(name: string, { metadata, spec, pod, container }: Parts = {}): object {
  const containers = [
    { name: 'app', image: 'nginx', ports: [{ name: 'http', containerPort: 80 }], ...container },
  ]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, ...metadata },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers, ...pod } },
      ...spec,
    },
  }
}

const firstErrors = (here: Stage): Promise<string[]> =>
  here.until('an Event exists', async () => {
    const errors = await here.errors('a')
    return errors.length > 0 && errors
  })
const names = (group: object | undefined): string[] => Object.keys(group ?? {})

t.test('a request has a group for each kind, with objects by namespace and name', async (t) => {
  const here = await open('request')
  here.script((path) =>
    path === '/customize'
      ? {
          relatedResources: [
            { apiVersion: 'v1', resource: 'configmaps', namespace: here.namespace },
          ],
        }
      : { children: [service('a')] },
  )
  await here.create('configmaps', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c' } })
  await here.parent('a')
  const last = await here.until('the child and the related object are observed', async () =>
    here
      .calls()
      .findLast(
        ({ request }) =>
          names(request.children?.['Service.v1']).length > 0 &&
          names(request.related['ConfigMap.v1']).length > 0,
      ),
  )
  t.same(names(last.request).sort(), ['children', 'controller', 'finalizing', 'parent', 'related'])
  t.same(names(last.request.children).sort(), ['Deployment.apps/v1', 'Service.v1'])
  t.same(names(last.request.children['Service.v1']), ['request/a'])
  t.same(names(last.request.related['ConfigMap.v1']), ['request/c'])
  t.same(last.request.parent.metadata.finalizers, ['metacontroller.io/compositecontroller-thing'])
  t.equal(last.request.finalizing, false)
  t.same(
    names(here.calls()[0]?.request),
    ['controller', 'parent'],
    'customize is the first request and has no children',
  )
})

const hot: Record<string, Parts> = {
  'an empty value': { container: { env: [{ name: 'A', value: '' }] } },
  'non-canonical cpu': { container: { resources: { limits: { cpu: '0.5' } } } },
  'non-canonical memory': { container: { resources: { limits: { memory: '1024Mi' } } } },
  'an empty list': { container: { env: [] } },
  'a null': { spec: { minReadySeconds: null } },
  'a zero that the server omits': { spec: { minReadySeconds: 0 } },
  'a false that the server omits': { spec: { paused: false } },
  'an unknown field': { spec: { nonsense: 1 } },
}
const calm: Record<string, Parts> = {
  'a variable with a name only': { container: { env: [{ name: 'A' }] } },
  'canonical quantities': { container: { resources: { limits: { cpu: '500m', memory: '1Gi' } } } },
  'empty objects': {
    metadata: { annotations: {} },
    pod: { securityContext: {} },
    container: { resources: {} },
  },
  'a value with characters that JSON may escape': {
    container: { env: [{ name: 'A', value: '<é&\u2028>' }] },
  },
}

t.test('writes a value at every sync if the server stores it in another form', async (t) => {
  const here = await open('hot')
  const samples = new Map(
    [...Object.entries(hot), ...Object.entries(calm)].map(([what, parts], index) => [
      `d${index}`,
      { what, parts, isHot: what in hot },
    ]),
  )
  here.script((path, { parent }) =>
    path === '/customize'
      ? {}
      : { children: [deployment(parent.metadata.name, samples.get(parent.metadata.name)?.parts)] },
  )
  for (const name of samples.keys()) await here.parent(name)
  for (const name of samples.keys()) {
    await here.until(
      `${name} is settled`,
      async () =>
        (await here.get('deployments', name).catch(() => undefined))?.status?.observedGeneration,
    )
  }
  await Promise.all([...samples.keys()].map((name) => here.poke(name)))
  await here.mark()
  await Promise.all([...samples.keys()].map((name) => here.poke(name, 2)))
  for (const [name, { what, isHot }] of samples) {
    t.ok(here.syncs(name) >= 2)
    t.equal(
      here.writes().filter((write) => write === `update deployments/${name} 200`).length,
      isHot ? here.syncs(name) : 0,
      what,
    )
  }
})

t.test('writes a status at every sync if the server stores it in another form', async (t) => {
  const here = await open('hot-status')
  const statuses: Record<string, string> = {
    float: '{"count": 1.0}',
    unknown: '{"nonsense": 1}',
    null: '{"message": null}',
    calm: '{"count": 1}',
  }
  here.script((path, { parent }) => ({
    code: 200,
    body:
      path === '/customize'
        ? '{}'
        : `{"children": [], "status": ${statuses[parent.metadata.name]}}`,
  }))
  for (const name of Object.keys(statuses)) await here.parent(name)
  await Promise.all(Object.keys(statuses).map((name) => here.poke(name)))
  await here.mark()
  await Promise.all(Object.keys(statuses).map((name) => here.poke(name, 2)))
  for (const name of Object.keys(statuses)) {
    t.ok(here.syncs(name) >= 2)
    t.equal(
      here.writes().filter((write) => write === `update things/${name}/status 200`).length,
      name === 'calm' ? 0 : here.syncs(name),
      name,
    )
  }
})

t.test('merges lists by key: keeps the order, removes only items that it applied', async (t) => {
  const here = await open('lists')
  let env = variables('B', 'C')
  here.script((path) =>
    path === '/customize' ? {} : { children: [deployment('a', { container: { env } })] },
  )
  await here.parent('a')
  await here.until('the child exists', async () => !(await here.isGone('deployments', 'a')))
  const observed = async (samples: object[]): Promise<string> => {
    env = samples
    await here.poke('a')
    const { template } = (await here.get('deployments', 'a')).spec as {
      template: { spec: { containers: [{ env: { name: string }[] }] } }
    }
    return template.spec.containers[0].env.map(({ name }) => name).join()
  }
  t.equal(await observed(variables('A', 'B', 'C')), 'B,C,A', 'prepended')
  t.equal(await observed(variables('C', 'B', 'A')), 'B,C,A', 'reordered')
  t.equal(await observed(variables('C', 'A')), 'C,A', 'removed')
  await here.patch('deployments', 'a', [
    {
      op: 'add',
      path: '/spec/template/spec/containers/0/env/0',
      value: { name: 'STRAY', value: 'x' },
    },
  ])
  t.equal(await observed(variables('C', 'A')), 'STRAY,C,A', 'a foreign item')
  t.equal(
    await observed([...variables('STRAY'), ...variables('C', 'A')]),
    'STRAY,C,A',
    'taken over',
  )
  t.equal(await observed(variables('C', 'A')), 'C,A', 'the foreign item, once applied, is removed')
})

t.test('the repair of an edited port is always refused, the status is written', async (t) => {
  const here = await open('port')
  let message = 'before'
  here.script((path) =>
    path === '/customize' ? {} : { status: { message }, children: [service('a', 8080)] },
  )
  await here.parent('a')
  await here.until('the child exists', async () => !(await here.isGone('services', 'a')))
  await here.patch('services', 'a', [{ op: 'replace', path: '/spec/ports/0/port', value: 1234 }])
  message = 'after'
  await here.until(
    'the status is written',
    async () => (await here.get('things', 'a')).status?.message === 'after',
  )
  t.match(await firstErrors(here), [
    new RegExp(
      "^Sync error: can't reconcile children for Thing port/a: " +
        'Service "a" is invalid: .*Duplicate value',
    ),
  ])
  t.match((await here.get('services', 'a')).spec, { ports: [{ port: 1234 }] })
})

t.test('200 without children deletes every child, an unreadable answer deletes none', async (t) => {
  const here = await open('answers')
  let body = ''
  here.script(
    (
      path,
      {
        parent: {
          metadata: { name },
        },
      },
    ) =>
      path === '/customize'
        ? {}
        : body
          ? { code: 200, body }
          : { status: { message: 'good' }, children: [service(name)] },
  )
  await here.parent('a')
  await here.until('the child exists', async () => !(await here.isGone('services', 'a')))
  for (const unreadable of [
    '<html>',
    '[]',
    '{"children": [], "extra": 1}',
    '{"children": [], "resyncAfterSeconds": "5"}',
    '{"children": [{"apiVersion": "v1"}]}',
  ]) {
    body = unreadable
    await here.poke('a')
    t.notOk(await here.isGone('services', 'a'), unreadable)
    t.equal((await here.get('things', 'a')).status?.message, 'good')
  }
  body = '{}'
  await here.poke('a')
  await here.until('the child is deleted', () => here.isGone('services', 'a'))
  t.same(Object.keys((await here.get('things', 'a')).status ?? {}), ['observedGeneration'])
})

t.test('retries after growing delays and quotes the failed answer in an Event', async (t) => {
  const here = await open('failing')
  here.script((path) => (path === '/customize' ? {} : { code: 500, body: '{"error": "why"}' }))
  await here.parent('a')
  const syncs = () => here.calls().filter(({ path }) => path === '/sync')
  await here.until('the request has failed nine times', async () => syncs().length >= 9)
  const [before, last] = syncs().slice(7, 9)
  t.ok(
    (last?.at ?? 0) - (before?.at ?? 0) >= 300,
    'the eighth delay is 640 ms, or 320 ms if an event caused one of the requests',
  )
  t.same(await firstErrors(here), [
    'Sync error: sync hook failed for Thing failing/a: sync hook failed (version=v2): ' +
      'unsupported status code: 500 body: {"error": "why"}',
  ])
})

t.test('waits after 429 as long as Retry-After says, without an Event', async (t) => {
  const here = await open('busy')
  here.script((path) =>
    path === '/customize' ? {} : { code: 429, body: 'busy', headers: { 'retry-after': '1' } },
  )
  await here.parent('a')
  const syncs = () => here.calls().filter(({ path }) => path === '/sync')
  const elapsed = () => (syncs().at(-1)?.at ?? 0) - (syncs()[0]?.at ?? 0)
  await here.until('three seconds have passed', async () => elapsed() >= 2900)
  t.ok(
    syncs().length <= 7,
    `${syncs().length} requests in three seconds: one a second, and those that events cause`,
  )
  t.same(await here.errors('a'), [])
})

t.test('calls finalize with the remaining children until it answers finalized', async (t) => {
  const here = await open('finalize')
  const isLeft = ({ children }: Request, kind: string): boolean => names(children[kind]).length > 0
  here.script((path, request) => {
    if (path === '/customize') return {}
    if (!request.finalizing) return { children: [deployment('a'), service('a')] }
    if (isLeft(request, 'Deployment.apps/v1')) return { children: [service('a')] }
    return { children: [], finalized: !isLeft(request, 'Service.v1') }
  })
  await here.parent('a')
  await here.until('both children exist', async () =>
    here
      .calls()
      .some(
        ({ request }) =>
          request.children &&
          isLeft(request, 'Deployment.apps/v1') &&
          isLeft(request, 'Service.v1'),
      ),
  )
  await here.mark()
  await here.remove('things', 'a')
  await here.until('the parent is gone', () => here.isGone('things', 'a'))
  const deletes = here.writes().filter((write) => write.startsWith('delete'))
  t.same(deletes, ['delete deployments/a 200', 'delete services/a 200'])
  t.same(here.calls().at(-1)?.path, '/finalize')
})

t.test('does not change a foreign object with the name of a child', async (t) => {
  const here = await open('taken')
  await here.create('services', service('a', 7))
  here.script((path) => (path === '/customize' ? {} : { children: [service('a', 80)] }))
  await here.parent('a')
  await here.until('the status is written', async () => (await here.get('things', 'a')).status)
  await here.mark()
  await here.poke('a', 2)
  t.ok(here.syncs('a') >= 2)
  await here.until('each sync has tried', async () => here.writes().length >= here.syncs('a'))
  t.same([...new Set(here.writes())], ['create services/a 409'])
  t.match((await here.get('services', 'a')).spec, { ports: [{ port: 7 }] })
  t.same(await here.errors('a'), [])
})

t.test('releases a child that loses its label and adopts one that gets it', async (t) => {
  const here = await open('adopt')
  here.script((path) => (path === '/customize' ? {} : { children: [service('a')] }))
  const {
    metadata: { uid },
  } = await here.parent('a')
  const owners = async () =>
    (await here.get('services', 'a').catch(() => undefined))?.metadata.ownerReferences?.map(
      (owner) => owner.uid,
    )
  await here.until('the child is owned', async () => (await owners())?.[0] === uid)
  await here.patch('services', 'a', { metadata: { labels: { 'controller-uid': 'other' } } })
  await here.until('the child is released', async () => (await owners()) === undefined)
  await here.patch('services', 'a', { metadata: { labels: { 'controller-uid': uid } } })
  await here.until('the child is adopted', async () => (await owners())?.[0] === uid)
  await here.create('services', {
    ...service('b'),
    metadata: { name: 'b', labels: { 'controller-uid': uid } },
  })
  await here.until('the adopted child that is not desired is deleted', () =>
    here.isGone('services', 'b'),
  )
  t.notOk(await here.isGone('services', 'a'))
})

t.test('calls customize once per generation, and related objects cause a sync', async (t) => {
  const here = await open('related')
  const rule = (name: string) => ({
    apiVersion: 'v1',
    resource: 'configmaps',
    namespace: here.namespace,
    names: [name],
  })
  here.script((path, { parent, related }) =>
    path === '/customize'
      ? { relatedResources: [rule(String(parent.spec.wants))] }
      : { children: [], status: { message: names(related['ConfigMap.v1']).join() } },
  )
  const sees = (message: string) =>
    here.until(
      `the request has "${message}"`,
      async () => (await here.get('things', 'a')).status?.message === message,
    )
  const customizeCount = () =>
    here
      .calls()
      .filter(({ path, request }) => path === '/customize' && request.parent.metadata.name === 'a')
      .length
  await here.parent('a', { wants: 'one' })
  await here.until('the parent has a status', async () => (await here.get('things', 'a')).status)
  await here.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'one' },
  })
  await sees('related/one')
  await here.create('configmaps', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'two' },
  })
  await here.poke('a')
  const before = customizeCount()
  await here.poke('a', 2)
  t.equal(customizeCount(), before, 'an annotation does not change the generation')
  await here.patch('things', 'a', { spec: { wants: 'two' } })
  await sees('related/two')
  t.ok(customizeCount() > before)
  await here.remove('configmaps', 'two')
  await here.until(
    'the request has no related object',
    async () => !(await here.get('things', 'a')).status?.message,
  )
})

/** The effects of two settings, as metacontroller/composite-controller.yaml describes them. */
t.test(
  'ignoreStatusChanges avoids the request after each status write, etag avoids no request',
  async (t) => {
    const here = await open('spared')
    here.script((path, { parent }) =>
      path === '/customize' ? {} : { children: [], status: { count: parent.spec['count'] } },
    )
    const parents = { plain: 'things', quiet: 'quietthings' }
    await here.parent('plain', { count: 0 })
    await here.parent('quiet', { count: 0 }, 'QuietThing')
    for (const [name, plural] of Object.entries(parents)) {
      await here.until(
        `the status of ${name} is written`,
        async () => (await here.get(plural, name)).status,
      )
    }
    /** Changes both parents three times. After each change, waits for the expected requests. */
    const callsFor = async (
      expected: { plain: number; quiet: number },
      patch: (count: number) => object,
    ): Promise<object> => {
      const each = Object.entries(expected) as Array<[keyof typeof parents, number]>
      await here.mark()
      for (const count of [1, 2, 3]) {
        for (const [name] of each) await here.patch(parents[name], name, patch(count))
        await here.until('both parents have had their requests', async () =>
          each.every(([name, calls]) => here.syncs(name) >= calls * count),
        )
        await here.rest()
      }
      // Busy machines sometimes send one more request, so compare the rounded mean per change.
      return Object.fromEntries(each.map(([name]) => [name, Math.round(here.syncs(name) / 3)]))
    }
    const [twice, once] = [
      { plain: 2, quiet: 1 },
      { plain: 1, quiet: 1 },
    ]
    t.same(await callsFor(twice, (count) => ({ spec: { count } })), twice, 'the status changes')
    t.same(here.writes().filter((write) => write.includes('/status')).length, 6)
    t.same(
      await callsFor(once, (count) => ({ metadata: { annotations: { poke: String(count) } } })),
      once,
      'the answer does not change',
    )
    const last = here.calls().findLast(({ request }) => request.parent.metadata.name === 'quiet')
    t.same(
      names(last?.request).sort(),
      ['children', 'controller', 'finalizing', 'parent', 'related'],
      'each request is complete',
    )
    if (engineName() !== 'stand-in') t.ok(last?.isUnchanged, 'etag is on')
  },
)
