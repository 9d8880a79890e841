import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { parseAllDocuments } from 'yaml'
import { commands, options, renderFormats, reportFormats, shells } from '../../src/cli/arguments.ts'
import { run } from '../../src/cli/run.ts'
import { settle } from '../../src/cli/diff.ts'
import type { HookRequest } from '../../src/myapp/request.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import { yamlFiles } from '../support/yaml-files.ts'

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const recording = (name: string) => file(`test/support/fixtures/requests/${name}.json`)

/** Runs a command line. Writes an argument { text } to a file and passes the name of the file. */
async function command(t: Test, ...args: Array<string | { text: string }>) {
  const folder = t.testdir()
  const names = args.map((arg, index) => {
    if (typeof arg === 'string') return arg
    const name = join(folder, `${index}.yaml`)
    writeFileSync(name, arg.text)
    return name
  })
  let [out, err] = ['', '']
  const code = await run(names, {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text.replaceAll(`${folder}/`, '')
    },
  })
  const lines = err.split('\n').slice(0, -1)
  if (args[0] !== 'validate' || code === 2) return { code, out, err: lines }
  // Findings are on stdout. Notes, then a summary, are on stderr.
  const findings = out.replaceAll(`${folder}/`, '').split('\n').slice(0, -1)
  return { code, out: '', err: [...lines.slice(0, -1), ...findings] }
}

const myApp = (spec: string, metadata = 'name: demo-app') => ({
  text: [
    'apiVersion: example.com/v1',
    'kind: MyApp',
    `metadata: {${metadata}}`,
    'spec:',
    spec.replace(/^/gm, '  '),
    '',
  ].join('\n'),
})
const document = {
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name: 'demo-app' },
}
const kinds = (yaml: string) =>
  parseAllDocuments(yaml).map((document) => (document.toJS() as { kind: string }).kind)
const running = ['--diff', '--against', recording('sync-running')]
const demoApp = file('manifests/examples/demo-app.yaml')

/** The note about a missing Secret. Many examples name Secrets that their files do not contain. */
const isOfSecret = (note: string) => /Secret \S+ is not in the files/.test(note)

/** The note about a child that needs a component of the operator. */
const isOfComponent = (note: string) =>
  /the \S+ needs the \S+ component of the operator$/.test(note)

/** A note without the folder, the line and the column of its file. */
const withoutPlace = (note: string) => note.replace(/^.*\//, '').replace(/:\d+:\d+:/, ':')

/** The notes about examples when they are rendered, besides those about Secrets and components. */
const notesOnExamples: Record<string, string[]> = {
  'apps/singleton.yaml': [
    'singleton.yaml: PersistentVolumeClaim is ignored: it is neither a MyApp nor config of a MyApp',
  ],
  'operator.yaml': ['myapp-operator', 'myapp-operator-ca'].map(
    (name) => `myapp-operator: ConfigMap ${name} is not in the files: no pod starts without it`,
  ),
  'priority.yaml': [
    'priority.yaml: PriorityClass is ignored: it is neither a MyApp nor config of a MyApp',
  ],
  'runtime-class.yaml': [
    'runtime-class.yaml: RuntimeClass is ignored: it is neither a MyApp nor config of a MyApp',
  ],
  'volume-claim-shared.yaml': [
    'volume-claim-shared.yaml: PersistentVolumeClaim is ignored: it is neither a MyApp ' +
      'nor config of a MyApp',
  ],
  'volume-claim.yaml': [
    'volume-claim.yaml: PersistentVolumeClaim is ignored: it is neither a MyApp nor ' +
      'config of a MyApp',
  ],
}

t.test('renders every example as YAML or JSON', async (t) => {
  for (const name of yamlFiles(file('manifests/examples'))) {
    const yaml = await command(t, 'render', '-f', file(`manifests/examples/${name}`))
    t.strictSame(
      [
        yaml.code,
        yaml.err.filter((note) => !isOfSecret(note) && !isOfComponent(note)).map(withoutPlace),
      ],
      [0, notesOnExamples[name] ?? []],
      name,
    )
    t.equal(kinds(yaml.out)[0], 'Deployment')
    const { items } = JSON.parse(
      (await command(t, 'render', '-o', 'json', '-f', file(`manifests/examples/${name}`))).out,
    )
    t.strictSame(
      items,
      parseAllDocuments(yaml.out, { version: '1.1' }).map((document) => document.toJS()),
    )
  }
})

t.test('names the component that a child needs', async (t) => {
  const { err } = await command(t, 'render', '-f', file('manifests/examples/metrics.yaml'))
  t.match(err.join(), /metrics: the PodMonitor needs the pod-monitors component of the operator/)
})

t.test('applies the defaults of the API server and treats null as unset', async (t) => {
  const { out } = await command(t, 'render', '-f', myApp('image: nginx\nport:\nenv: [{name: A}]'))
  t.match(out, /replicas: 1\n/)
  t.match(out, /containerPort: 8080/)
  for (const field of [
    'podLabels: {a: null}',
    'nodeSelector: {a: , b: c}',
    'podAnnotations: {a: ~}',
    'files: {/etc/a: null}',
    'resources: {limits: {cpu: null}, extended: {example.com/gpu: null}}',
    'ingress: {host: a.example.com, annotations: {a: null}}',
    'networkPolicy: {from: [{podLabels: {a: b, c: null}}]}',
    'env: [{name: A, value: null}]',
    'volumes: null',
  ]) {
    const { code, out } = await command(t, 'render', '-f', myApp(`image: nginx\n${field}`))
    t.equal(code, 0, field)
    t.notMatch(out, /null/, field)
  }
})

t.test(
  'writes a string such as "on" in quotes, and reads values without quotes as kubectl does',
  async (t) => {
    t.match(
      (
        await command(
          t,
          'render',
          '-f',
          myApp("image: nginx\nenv: [{name: A, value: 'on'}, {name: B, value: '0777'}]"),
        )
      ).out,
      /value: "on"\n(.*\n)*.*value: "0777"/,
    )
    t.match(
      await command(t, 'validate', '-f', myApp('image: nginx\nenv:\n- name: A\n  value: on')),
      {
        code: 1,
        err: [
          '2.yaml:8:12: spec.env[0].value: must be a string, got a boolean; put the value ' +
            'in quotes',
        ],
      },
    )
    t.strictSame(
      await command(
        t,
        'validate',
        '-f',
        myApp(
          'image: nginx\nterminationGracePeriodSeconds: 0777\n' +
            'podAnnotations: {date: 2001-12-14, time: 10:20:30}',
        ),
      ),
      { code: 0, out: '', err: [] },
    )
  },
)

t.test('validate reports every problem with its file, line and column', async (t) => {
  const { code, out, err } = await command(
    t,
    'validate',
    '-f',
    {
      text: `# two of them
apiVersion: example.com/v1
kind: MyApp
metadata:
  name: 1app
spec:
  replicas: 101
  prot: 80
  env:
    - name: A
      value: 5
    - name: B
      valueFrom: {secretKeyRef: {name: a}}
  podLabels: &labels
    a.b/c: 5
  nodeSelector: *labels
---
apiVersion: example.com/v2
kind: MyApp
extra: 1
metadata: {}
spec: {image: a}
`,
    },
    '-f',
    { text: 'apiVersion: example.com/v1\nkind: MyApp\nmetadata: {name: a}\nspec:\n  image: [\n' },
  )
  t.strictSame(
    [code, out, err],
    [
      1,
      '',
      [
        '4.yaml:6:1: Flow sequence in block collection must be sufficiently indented and ' +
          'end with a ]',
        '2.yaml:5:9: metadata.name: invalid value "1app": must be a valid name of a ' +
          'Service: at most 63 lower-case letters, digits or "-", starting with a letter and ' +
          'ending with a letter or digit',
        '2.yaml:6:1: spec.image: image is required',
        '2.yaml:7:13: spec.replicas: must be at most 100, got 101',
        '2.yaml:8:3: spec.prot: unknown field "prot"; did you mean "port"?',
        '2.yaml:11:14: spec.env[0].value: must be a string, got a number; put the value in quotes',
        '2.yaml:13:19: spec.env[1].valueFrom.secretKeyRef.key: key is required',
        '2.yaml:15:12: spec.nodeSelector["a.b/c"]: must be a string, got a number; put the ' +
          'value in quotes',
        '2.yaml:15:12: spec.podLabels["a.b/c"]: must be a string, got a number; put the ' +
          'value in quotes',
        '2.yaml:18:13: apiVersion: must be example.com/v1, got "example.com/v2"; did you ' +
          'mean "example.com/v1"?',
        '2.yaml:20:1: extra: unknown field "extra"',
        '2.yaml:21:1: metadata.name: name is required',
      ],
    ],
  )
  t.match(await command(t, 'render', '-f', myApp('replicas: 3')), {
    code: 2,
    out: '',
    err: ['2.yaml:4:1: spec.image: image is required'],
  })
})

t.test(
  'reports malformed YAML and documents without an object, and checks the others',
  async (t) => {
    const cases: Array<[text: string, ...says: Array<string | RegExp>]> = [
      [
        myApp('image: nginx\ningress: {host: *.example.com}').text,
        '2.yaml:6:19: *.example.com refers to no anchor: a string that starts with "*" ' +
          'needs quotes',
      ],
      [
        `kind: A\nx: ${'['.repeat(6000)}${']'.repeat(6000)}\n`,
        /^2\.yaml:2:\d+: too deeply nested$/,
      ],
      [
        myApp('&all\nimage: nginx\nnodeSelector: *all').text,
        '2.yaml:7:17: *all refers to a parent of itself',
      ],
      [myApp('<<: [a]\nimage: nginx').text, '2.yaml:5:3: << needs a map, or a list of maps'],
      [
        `a: &a [x]\nb: &b [${'*a,'.repeat(40)}]\nc: &c [${'*b,'.repeat(40)}]\n` +
          `d: [${'*c,'.repeat(40)}]\n`,
        /^2\.yaml:\d+:\d+: aliases make the document too large$/,
      ],
      [
        [...'bcdefghijk'].reduce(
          (text, name, index) =>
            `${text}${name}: &${name}\n  <<: [${`*${'abcdefghij'[index]},`.repeat(10)}]\n`,
          'a: &a {}\n',
        ),
        /^2\.yaml:\d+:\d+: aliases make the document too large$/,
      ],
      [
        `${myApp('image: a b').text}---\nhello\n`,
        '2.yaml:7:1: must be a Kubernetes object, got a string',
        '2.yaml:5:10: spec.image: invalid value "a b": must be an image without white ' +
          'space, such as nginx:1.29',
      ],
      [
        'apiVersion: v1\nkind: List\nitems:\n- null\n- 3\n- kind: List\n  items: [[]]\n',
        '2.yaml:4:3: must be a Kubernetes object, got null',
        '2.yaml:5:3: must be a Kubernetes object, got a number',
        '2.yaml:7:11: must be a Kubernetes object, got a list',
      ],
    ]
    for (const [text, ...says] of cases) {
      for (const [name, code] of [
        ['validate', 1],
        ['render', 2],
      ] as const) {
        const result = await command(t, name, '-f', { text })
        t.match(result, { code, out: '', err: says }, text)
        t.equal(result.err.length, says.length, text)
      }
    }
  },
)

t.test('reports exactly the metadata that the API server refuses', async (t) => {
  const metadata = async (yaml: string) =>
    await command(t, 'validate', '-f', myApp('image: nginx', `name: a, ${yaml}`))
  const refused: Array<[yaml: string, says: string]> = [
    ['labels: foo', '3:29: metadata.labels: must be an object, got a string'],
    [
      'labels: {x: a b}',
      '3:33: metadata.labels.x: invalid label value: at most 63 letters, digits, "-", "_" ' +
        'or ".", starting and ending with a letter or digit',
    ],
    [
      'labels: {a b: x}',
      '3:30: metadata.labels["a b"]: invalid label key: at most 63 letters, digits, "-", ' +
        '"_" or ".", after an optional DNS prefix of at most 253 characters and "/"',
    ],
    [
      'labels: {x: 5}',
      '3:33: metadata.labels.x: must be a string, got a number; put the value in quotes',
    ],
    ['annotations: [x]', '3:21: metadata.annotations: must be an object, got a list'],
    ['annotations: {x: {}}', '3:35: metadata.annotations.x: must be a string, got an object'],
    [
      'annotations: {a b: x}',
      '3:35: metadata.annotations["a b"]: invalid annotation key: at most 63 letters, ' +
        'digits, "-", "_" or ".", after an optional DNS prefix of at most 253 characters ' +
        'and "/"',
    ],
    [
      'namespace: A_B',
      '3:32: metadata.namespace: invalid value "A_B": must consist of lower-case letters, ' +
        'digits or "-", and must start and end with a letter or digit',
    ],
    ['namespace: 5', '3:32: metadata.namespace: must be a string, got 5; put the value in quotes'],
    ['lables: {x: a}', '3:21: metadata.lables: unknown field "lables"; did you mean "labels"?'],
  ]
  for (const [yaml, says] of refused) {
    t.strictSame(await metadata(yaml), { code: 1, out: '', err: [`2.yaml:${says}`] }, yaml)
  }
  for (const yaml of [
    'labels: {x: "", y/z: A.b_c-1, n:}',
    'labels:',
    'annotations: {A.b/c: "a b"}',
    'creationTimestamp: null',
    'finalizers: [a.b/c]',
  ]) {
    t.strictSame(await metadata(yaml), { code: 0, out: '', err: [] }, yaml)
  }
  t.match(
    (await command(t, 'render', '-f', myApp('image: nginx', 'name: a, namespace:'), '-n', 'here'))
      .out,
    /^ {2}namespace: here$/m,
  )
  t.match((await command(t, 'validate', '-f', myApp('image: nginx', 'name: 5'))).err, [
    '2.yaml:3:18: metadata.name: must be a string, got 5; put the value in quotes',
  ])
  t.match(
    (
      await command(t, 'validate', '-f', {
        text: myApp('image: nginx').text.replace('{name: demo-app}', '[]'),
      })
    ).err,
    ['2.yaml:3:1: metadata: must be an object, got a list'],
  )
})

t.test(
  "reports an unknown kind of the operator's group and does not check its fields",
  async (t) => {
    const good = myApp('image: nginx').text
    t.strictSame(
      await command(t, 'validate', '-f', {
        text: `${good}---\n${good.replace('MyApp', 'Myapp').replace('image', 'imgae')}`,
      }),
      {
        code: 1,
        out: '',
        err: ['2.yaml:8:7: kind: must be MyApp, got "Myapp"; did you mean "MyApp"?'],
      },
    )
    t.match(await command(t, 'validate', '-f', { text: good.replace('kind: MyApp', 'extra: 1') }), {
      code: 1,
      err: ['2.yaml:1:1: kind: kind is required'],
    })
  },
)

t.test('reports two MyApps of one name only if they are in the same namespace', async (t) => {
  const twice = { text: `${myApp('image: a').text}---\n${myApp('image: b').text}` }
  t.match(await command(t, 'validate', '-f', twice), {
    code: 1,
    err: ['2.yaml:9:18: metadata.name: duplicate "demo-app", first at 2.yaml:3:18'],
  })
  const thrice = { text: `${twice.text}---\n${myApp('image: c').text}` }
  t.strictSame((await command(t, 'validate', '-f', thrice)).err, [
    '2.yaml:9:18: metadata.name: duplicate "demo-app", first at 2.yaml:3:18',
    '2.yaml:15:18: metadata.name: duplicate "demo-app", first at 2.yaml:3:18',
  ])
  const nameless = myApp('image: a', '').text
  t.notMatch(await command(t, 'validate', '-f', { text: `${nameless}---\n${nameless}` }), {
    err: [/duplicate/],
  })
  const misspelt = { text: twice.text.replace('kind: MyApp', 'kind: Myapp') }
  t.strictSame((await command(t, 'validate', '-f', misspelt)).err, [
    '2.yaml:2:7: kind: must be MyApp, got "Myapp"; did you mean "MyApp"?',
  ])
  t.match(
    await command(
      t,
      'validate',
      '-f',
      myApp('image: a'),
      '-f',
      myApp('image: b', 'name: demo-app, namespace: other'),
    ),
    { code: 0 },
  )
})

t.test('reads folders, lists and several files, and names the objects it ignores', async (t) => {
  const folder = t.testdir({
    'a.yaml': myApp('image: nginx').text,
    'b.txt': 'not this',
    deeper: {
      'c.json': JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: [
          {
            apiVersion: 'example.com/v1',
            kind: 'MyApp',
            metadata: { name: 'c' },
            spec: { image: 'c' },
          },
        ],
      }),
    },
  })
  t.strictSame(kinds((await runIn('render', '-f', folder)).out), ['Deployment', 'Service'])
  t.equal(kinds((await runIn('render', '-R', '-f', folder)).out).length, 4)
  mkdirSync(join(folder, 'others'))
  writeFileSync(
    join(folder, 'others', 'd.yaml'),
    'apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n',
  )
  t.match(
    (await runIn('validate', '-R', '-f', folder)).err,
    /others\/d.yaml:2:7: Namespace is ignored/,
  )
  t.match(await runIn('validate', '-f', join(folder, 'others')), {
    code: 2,
    err: /others\/d.yaml:2:7: Namespace is ignored.*\n.*no MyApp in/,
  })
  t.match(await runIn('render', '-f', join(folder, 'others')), {
    code: 2,
    err: /others\/d.yaml:2:7: Namespace is ignored.*\n.*no MyApp in/,
  })
  symlinkSync('nowhere', join(folder, 'others', 'e.yaml'))
  t.match(await runIn('validate', '-f', join(folder, 'others')), {
    code: 2,
    err: /cannot read .*\/others\/e.yaml: no such file or directory\n$/,
  })
})

async function runIn(...args: string[]) {
  let [out, err] = ['', '']
  return {
    code: await run(args, {
      out: (text) => {
        out += text
      },
      err: (text) => {
        err += text
      },
    }),
    out,
    err,
  }
}

t.test('names the ConfigMaps and Secrets that the files lack', async (t) => {
  const app = myApp(
    'image: nginx\nenvFrom: [{configMapRef: {name: c}}]\n' +
      'env: [{name: P, valueFrom: {secretKeyRef: {name: s, key: k}}}]',
  )
  const { code, err } = await command(t, 'render', '-f', app, '-f', config('x'))
  t.strictSame({ code, err }, { code: 0, err: [] })
  t.match(await command(t, 'render', '-f', app), {
    code: 0,
    err: [
      'default/demo-app: Secret s is not in the files: no pod starts without it',
      'default/demo-app: ConfigMap c is not in the files: no pod starts without it',
    ],
  })
})

const config = (value: string, more = '') => ({
  text: [
    'apiVersion: v1',
    'kind: ConfigMap',
    `metadata: {name: c${more}}`,
    `data: {a: ${value}}`,
    '---',
    'apiVersion: v1',
    'kind: Secret',
    'metadata: {name: s}',
    'stringData: {k: v}',
    '',
  ].join('\n'),
})

t.test('prints no config digest, which could confirm a guess of a secret', async (t) => {
  const app = (name: string) =>
    myApp(
      'image: nginx\nenvFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}}]',
      `name: ${name}`,
    )
  for (const args of [
    [app('a'), '-f', config('x')],
    [app('b'), '-f', config('y')],
  ]) {
    t.match(
      (await command(t, 'render', '-f', ...args)).out,
      /^ {8}example.com\/config-digest: <known only in the cluster>$/m,
    )
  }
  t.notMatch((await command(t, 'render', '-f', myApp('image: nginx'))).out, /config-digest/)
})

t.test('--diff reports that a Deployment has another selector, which is immutable', async (t) => {
  const request = recorded('sync-running')
  const [deployment] = Object.values(request.children['Deployment.apps/v1'])
  Object.assign(deployment?.spec ?? {}, { selector: { matchLabels: { app: 'legacy' } } })
  const against = { text: JSON.stringify(request) }
  const { code, out, err } = await command(
    t,
    'render',
    '-f',
    demoApp,
    '--diff',
    '--against',
    against,
  )
  t.strictSame({ code, out }, { code: 0, out: '' })
  t.match(err.join(), /Deployment demo-app has another spec.selector, .*, which is immutable/)
})

t.test('--diff reports changed config data, not metadata, and prints no new digest', async (t) => {
  const envFrom = [{ configMapRef: { name: 'c' } }, { secretRef: { name: 's' } }]
  const request = recorded('sync-running')
  Object.assign(request.parent.spec as object, { envFrom })
  const observed = (name: string, data: Record<string, string>) => ({
    [`default/${name}`]: { metadata: { name, namespace: 'default', uid: name }, data },
  })
  request.related['ConfigMap.v1'] = observed('c', { a: 'x' })
  request.related['Secret.v1'] = observed('s', { k: 'dg==' })
  const key = { configDigestKey: Buffer.alloc(32, 'of the hook'), now: Date.now() }
  request.children = settle(request, key) as HookRequest['children']
  const { spec } = request.parent
  const app = { text: JSON.stringify({ ...document, spec }) }
  const diff = async (data: ReturnType<typeof config>) =>
    await command(t, 'render', '-f', app, '-f', data, '--diff', '--against', {
      text: JSON.stringify(request),
    })
  t.strictSame(await diff(config('x')), { code: 0, out: '', err: [] })
  t.strictSame(await diff(config('x', ', labels: {a: b}')), { code: 0, out: '', err: [] })
  const { code, out } = await diff(config('y'))
  t.equal(code, 1)
  t.match(out, /^update Deployment default\/demo-app, whose pods roll\n/)
  t.match(out, /^-\s+example.com\/config-digest: \w{32}\n\+\s+.*: <known only in the cluster>$/m)
})

t.test('--diff with a recorded request prints updates, deletions and creations', async (t) => {
  const withMark = { text: `\ufeff${readFileSync(recording('sync-running'), 'utf8')}` }
  for (const request of [recording('sync-running'), withMark]) {
    t.strictSame(await command(t, 'render', '-f', demoApp, '--diff', '--against', request), {
      code: 0,
      out: '',
      err: [],
    })
  }
  const app = myApp(
    'image: nginx:latest\nreplicas: 3\nport: 80\nenv: [{name: OTHER, value: x}]\n' +
      'expose: false\nautoscaling: {minReplicas: 2, maxReplicas: 5}',
  )
  const changes = JSON.parse(
    (await command(t, 'render', '-o', 'json', '-f', app, ...running)).out,
  ) as Array<{ action: string; kind: string; fields: string[]; podsRoll: boolean }>
  t.match(
    changes.map(({ action, kind, podsRoll }) => [action, kind, podsRoll]),
    [
      ['update', 'Deployment', true],
      ['create', 'HorizontalPodAutoscaler', false],
      ['delete', 'Service', false],
    ],
  )
  const container = 'spec.template.spec.containers[app]'
  for (const field of [
    `${container}.env[OTHER]`,
    `${container}.env[LOG_LEVEL]`,
    `${container}.readinessProbe`,
    `${container}.ports`,
  ]) {
    t.ok(changes[0]?.fields.includes(field), field)
  }
  const { code, out } = await command(
    t,
    'render',
    '-f',
    myApp(
      'image: nginx:latest\nreplicas: 2\nport: 80\nenv: [{name: LOG_LEVEL, value: info}, ' +
        '{name: OTEL_EXPORTER_OTLP_ENDPOINT, ' +
        'value: http://otel-collector.observability:4318}]',
    ),
    ...running,
  )
  t.equal(code, 1)
  t.match(
    out,
    new RegExp(
      '^update Deployment default/demo-app\\n {2}spec\\.replicas\\n' +
        '--- .* before the change\\n\\+\\+\\+ .* after the change\\n' +
        '@@ .*\\n( .*\\n)*- {2}replicas: 3\\n\\+ {2}replicas: 2\\n',
    ),
  )
  t.notMatch(out, /last-applied|managedFields|resourceVersion|controller-uid/)
})

t.test('--diff shows repaired manual edits, and what blocks a change', async (t) => {
  const edited = JSON.parse(
    (
      await command(
        t,
        'render',
        '-o',
        'json',
        '-f',
        myApp('image: nginx:1.29\nreplicas: 5\nport: 80'),
        '--diff',
        '--against',
        recording('sync-service-port-edited-by-hand'),
      )
    ).out,
  ) as Array<{ kind: string; fields: string[] }>
  t.ok(
    edited
      .find(({ kind }) => kind === 'Service')
      ?.fields.some((field) => field.startsWith('spec.ports')),
  )
  t.match(await command(t, 'render', '-f', myApp('image: other\npaused: true'), ...running), {
    code: 0,
    out: '',
    err: [/^default\/demo-app: Paused: no child is changed/],
  })
  t.match(
    (
      await command(
        t,
        'render',
        '-f',
        myApp('image: other\nenvFrom: [{secretRef: {name: s}}]'),
        ...running,
      )
    ).err,
    [/^default\/demo-app: Secret s not found/],
  )
  t.match(
    (
      await command(
        t,
        'render',
        '-f',
        myApp('image: nginx', 'name: taken'),
        '--diff',
        '--against',
        recording('sync-names-taken-by-others'),
      )
    ).err,
    [/^\S+\/taken: Deployment and Service taken already exist/],
  )
  const routed = await command(
    t,
    'render',
    '-f',
    myApp('image: nginx:1.29\ngateway: {parentRefs: [{name: public}]}'),
    ...running,
  )
  t.match(
    routed.err,
    [/^default\/demo-app: spec\.gateway needs HTTPRoutes/],
    'also when another field changes',
  )
})

t.test('--diff reports that a MyApp is being deleted', async (t) => {
  const deleting = ['--diff', '--against', recording('finalize-children-present')]
  t.strictSame(await command(t, 'render', '-f', demoApp, ...deleting), {
    code: 0,
    out: '',
    err: [
      'default/demo-app: the MyApp is being deleted, and its children with it, whatever the ' +
        'spec says',
    ],
  })
})

t.test('--defaults renders every default of the platform', async (t) => {
  const defaults = readFileSync(file('manifests/platform-defaults/defaults.yaml'), 'utf8')
  const app = myApp(
    'image: nginx\ningress: {}\nmetrics: {port: 9090}\nnetworkPolicy: {from: []}',
    'name: shop, namespace: web, labels: {team: blue, private: x}',
  )
  const { code, out } = await command(t, 'render', '-f', app, '--defaults', {
    text: defaults.replace('monitoringNamespace: monitoring', 'monitoringNamespace: prometheus'),
  })
  t.equal(code, 0)
  for (const part of [
    'ingressClassName: nginx',
    'host: shop.web.apps.example.com',
    'runAsNonRoot: true',
    'memory: 256Mi',
    '- name: registry',
    'seconds: 15',
    'terminationGracePeriodSeconds: 45',
    'team: blue',
    'kubernetes.io/metadata.name: prometheus',
  ]) {
    t.ok(out.includes(part), part)
  }
  t.notOk(out.includes('private'), 'only listed labels')
})

t.test('validate --lint applies the defaults of the platform before it warns', async (t) => {
  const app = myApp('image: nginx:1.29\ningress: {}')
  const lint = (...more: Array<string | { text: string }>) =>
    command(t, 'validate', '--lint', '-f', app, ...more)
  const memory = /warning: spec\.resources\.limits\.memory: /
  const { err } = await lint()
  t.match(err, [memory, /warning: spec\.ingress\.ingressClassName: /])
  const defaults = file('manifests/platform-defaults/defaults.yaml')
  t.strictSame(await lint('--defaults', defaults), { code: 0, out: '', err: [] })
  const text = 'resources: {requests: {memory: 1Mi}}\ningress: {className: nginx}'
  const unlimited = await lint('--defaults', { text })
  t.match(unlimited.err, [memory])
  t.equal(unlimited.err.length, 1)
  t.match(await lint('--defaults', { text: '{}\n---\n{}\n' }), {
    code: 2,
    err: [/5.yaml: must be one document$/],
  })
  t.match(await lint('--defaults', { text: 'a: 1' }), { code: 2, err: [/unknown field "a"/] })
})

t.test('short options accept a value after "=", as in kubectl', async (t) => {
  const rendered = async (...args: string[]) => (await command(t, 'render', ...args)).out
  t.equal(
    await rendered(`-f=${demoApp}`, '-o=json', '-n=here'),
    await rendered('-f', demoApp, '-o', 'json', '-n', 'here'),
  )
})

t.test('prints an internal error on one line and exits with 2', async (t) => {
  let err = ''
  const code = await run(['--help'], {
    out: () => {
      throw new TypeError('injected failure')
    },
    err: (text) => {
      err += text
    },
  })
  t.strictSame(
    { code, err },
    { code: 2, err: 'myapp-operator: internal error: injected failure\n' },
  )
})

t.test('reports an unusable command line on one line and exits with 2', async (t) => {
  const cases: Array<[args: string[], says: RegExp]> = [
    [[], /missing command: render, validate/],
    [['build'], /unknown command "build" \(see --help\): use render, .*, completion$/],
    [['rendr'], /unknown command "rendr" .*; did you mean "render"\?$/],
    [['render', '-f', '-o', 'json'], /'-f' argument is ambiguous\. See --help$/],
    [['certificates', 'foo'], /unexpected argument "foo": certificates takes none$/],
    [['certificates', '--days', '0x10'], /--days must be 1 to 3650, got "0x10"$/],
    [
      ['certificates', '--metacontroller-namespace', 'A_B'],
      /--metacontroller-namespace "A_B": must consist of/,
    ],
    [
      ['render', '-f', demoApp, '-n', 'a'.repeat(64)],
      /-n must have at most 63 characters, got 64$/,
    ],
    [
      ['render', '-f', demoApp, '--defaults', 'nope'],
      /cannot read nope: no such file or directory$/,
    ],
    [['render'], /-f is required: name a file/],
    [['render', 'a.yaml'], /unexpected argument "a.yaml": pass files with -f/],
    [['render', '-f', 'a.yaml', '-o', 'xml'], /-o xml: must be yaml or json/],
    [['render', '-f', 'a.yaml', '--diff'], /either --live or --context NAME, or --against FILE/],
    [['render', '-f', 'a.yaml', '--live'], /need --diff/],
    [['validate', '-f', 'a.yaml', '--live'], /--live may only be used with render/],
    [['validate', '-f', 'a.yaml', '-o', 'yaml'], /-o yaml: must be text or json or github/],
    [['render', '-f', 'a.yaml', '--lint'], /--lint may only be used with validate/],
    [['validate', '-f', 'a.yaml', '--defaults', 'b.yaml'], /--defaults needs --lint/],
    [['adopt'], /adopt needs the Deployment: deployment\/NAME$/],
    [['adopt', 'service/a'], /adopt needs the Deployment: deployment\/NAME, got "service\/a"$/],
    [['adopt', 'deployment/A_B'], /a MyApp cannot have the name "A_B"/],
    [['adopt', 'deployment/a', '-f', 'a.yaml'], /--filename may not be used with adopt/],
    [['completion', 'tcsh'], /completion needs a shell: bash, zsh, fish, got "tcsh"$/],
    [['render', '--no-such'], /Unknown option '--no-such'\. See --help$/],
    [['render', '-f', ''], /-f is required: name a file/],
    [['render', '-f', demoApp, '-n', 'A_B'], /-n "A_B": must consist of lower-case letters/],
    [['render', '-f', demoApp, '-n', ''], /-n "": must consist of lower-case letters/],
    [['render', '-f', '/no/such/file'], /cannot read \/no\/such\/file: no such file or directory$/],
    [
      ['render', '-f', demoApp, '--diff', '--against', '/no/such/file'],
      /cannot read \/no\/such\/file: no such file or directory$/,
    ],
    [
      ['render', '-f', demoApp, '--diff', '--against', file('package.json')],
      /package.json is not a request to \/sync/,
    ],
    [
      ['render', '-f', demoApp, '--diff', '--against', demoApp],
      /demo-app.yaml is not a request to \/sync: Unexpected token/,
    ],
    [
      ['render', '-f', demoApp, '--diff', '--against', recording('sync-names-taken-by-others')],
      /no recorded request has the MyApp \S+\/demo-app/,
    ],
    [
      ['render', '-f', demoApp, ...running, '-n', 'other'],
      /no recorded request has the MyApp other\/demo-app/,
    ],
  ]
  for (const [args, says] of cases) {
    const { code, out, err } = await command(t, ...args)
    t.match({ code, out, err }, { code: 2, out: '', err: [says] })
    t.equal(err.length, 1)
  }
})

t.test('prints findings on stdout, notes and a summary on stderr', async (t) => {
  const folder = t.testdir({
    'a.yaml': myApp('image: nginx:1.29\nresources: {limits: {memory: 1Gi}}').text,
    'b.yaml': `${myApp('image: nginx', 'name: b').text}---\napiVersion: v1\nkind: Namespace\n`,
    'c.yaml': myApp('image: a b\nimagee: c', 'name: c').text,
    'd.yaml': {},
  })
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, `${name}.yaml`))
  const note = `${b}:8:7: Namespace is ignored: it is neither a MyApp nor config of a MyApp\n`
  t.strictSame(await runIn('validate', '-f', `${a}`), {
    code: 0,
    out: '',
    err: '1 MyApp in 1 file is valid\n',
  })
  t.strictSame(await runIn('validate', '-f', `${a}`, '-f', `${b}`), {
    code: 0,
    out: '',
    err: `${note}2 MyApps in 2 files are valid\n`,
  })
  const linted = await runIn('validate', '--lint', '-f', folder)
  t.equal(linted.code, 1)
  t.match(linted.out, `${b}:5:10: warning: spec.image: without a tag the image is latest`)
  t.match(linted.out, `${c}:5:10: spec.image: `)
  t.equal(linted.err, `${note}2 problems in 3 files, 2 warnings\n`)
  t.match(await runIn('validate', '--lint', '-f', `${b}`), { code: 0, err: /valid, 2 warnings\n$/ })
})

t.test('findings have a format for each CI system', async (t) => {
  const folder = t.testdir({
    'a,b.yaml': myApp('image: "a b"', 'name: "<1>&"').text,
    'good.yaml': myApp('image: nginx').text,
  })
  const report = async (format: string) =>
    (await runIn('validate', '--lint', '-o', format, '-f', folder)).out
  const found = JSON.parse(await report('json')) as object[]
  t.match(found[0], {
    file: join(folder, 'a,b.yaml'),
    line: 3,
    column: 18,
    severity: 'error',
    message: /^metadata.name: /,
  })
  t.equal(found.length, 4)
  const github = (await report('github')).trimEnd().split('\n')
  t.match(github[0], /^::error file=.*\/a%2Cb.yaml,line=3,col=18::metadata.name: /)
  t.match(github[2], /^::warning file=.*\/good.yaml,line=4,col=1::spec.resources.limits.memory: /)
  const junit = await report('junit')
  t.match(junit, /<testsuite name="myapp-operator validate" tests="2" failures="1" errors="0">/)
  t.match(junit, /<failure message="metadata.name: invalid value &quot;&lt;1&gt;&amp;&quot;/)
  const sarif = JSON.parse(await report('sarif'))
  t.match(sarif, { version: '2.1.0', runs: [{ tool: { driver: { name: 'myapp-operator' } } }] })
  t.match(sarif.runs[0].results[0], {
    ruleId: 'invalid',
    level: 'error',
    locations: [{ physicalLocation: { region: { startLine: 3, startColumn: 18 } } }],
  })
  t.match(sarif.runs[0].results[3], { ruleId: 'lint', level: 'warning' })
})

t.test('prints no control characters in the names of files', async (t) => {
  const folder = t.testdir({})
  writeFileSync(join(folder, 'a\n::error::\x1b[2J.yaml'), 'kind: MyApp')
  writeFileSync(join(folder, 'b\x1b[2J.yaml'), Buffer.from([0xc3, 0x28]))
  for (const args of [
    ['-f', join(folder, 'a\n::error::\x1b[2J.yaml')],
    ['-f', join(folder, 'b\x1b[2J.yaml')],
    ['-f', join(folder, 'missing\x1b[2J.yaml')],
  ]) {
    const { code, out, err } = await runIn('validate', ...args)
    t.not(code, 0)
    t.match(out + err, '\\u001B[2J.yaml')
    t.notMatch(out + err, /\p{Cc}\[|^::error/mu)
  }
})

t.test('reads UTF-16 and concatenated JSON objects as kubectl does', async (t) => {
  const folder = t.testdir({})
  const text = `\ufeff${myApp('image: nginx').text.replaceAll('\n', '\r\n')}`
  const littleEndian = Buffer.from(text, 'utf16le')
  writeFileSync(join(folder, 'le.yaml'), littleEndian)
  writeFileSync(join(folder, 'be.yaml'), Buffer.from(littleEndian).swap16())
  const object = (name: string) =>
    JSON.stringify({
      apiVersion: 'example.com/v1',
      kind: 'MyApp',
      metadata: { name },
      spec: { image: 'a' },
    })
  writeFileSync(join(folder, 'stream.json'), `${object('a')}\n${object('b')}${object('c')}\n`)
  for (const name of ['le.yaml', 'be.yaml']) {
    t.match(await runIn('validate', '-f', join(folder, name)), { code: 0 }, name)
  }
  t.match(
    (await runIn('validate', '-f', join(folder, 'stream.json'))).err,
    /^3 MyApps in 1 file are valid/,
  )
})

t.test('rejects a file that is neither UTF-8 nor UTF-16', async (t) => {
  const latin1 = Buffer.from(myApp('image: nginx # ü').text, 'latin1')
  const path = join(t.testdir({ 'a.yaml': latin1 }), 'a.yaml')
  t.match(await runIn('validate', '-f', path), {
    code: 2,
    err: /a.yaml is not UTF-8: save it as UTF-8\n$/,
  })
})

t.test('shows odd values of a file as JSON', async (t) => {
  const odd = '{toString: x}'
  for (const [text, says] of [
    [`apiVersion: v1\nkind: "a\\n::error::b"\n`, /^2.yaml:2:7: "a\\n::error::b" is ignored/],
    [`apiVersion: v1\nkind: "\\x9b31m"\n`, /^2.yaml:2:7: "\\u009b31m" is ignored/],
    [`apiVersion: v1\nkind: ${odd}\n`, /^2.yaml:2:1: "{\\"toString\\":\\"x\\"}" is ignored/],
    [`apiVersion: ${odd}\nkind: A\n`, /^2.yaml:2:7: A is ignored/],
    [`apiVersion: v1\nkind: Secret\nmetadata: {name: ${odd}}\n`, /^2.yaml:2:7: Secret is/],
    [myApp('image: a', `name: ${odd}`).text, /metadata.name: must be a string, got an object/],
    [myApp('image: a', `name: a, namespace: ${odd}`).text, /namespace: must be a string, got/],
    [myApp('image: !!a%0ab b').text, /invalid tag "tag:yaml.org,2002:a\\nb"$/],
  ] as const) {
    t.match((await command(t, 'validate', '-f', { text })).err, [says], text)
  }
})

t.test('reads joined files with byte order marks, and JSON before YAML', async (t) => {
  const folder = t.testdir({})
  const app = (name: string) => myApp('image: nginx', `name: ${name}`).text
  const json = (name: string) => {
    const metadata = { name }
    return { apiVersion: 'example.com/v1', kind: 'MyApp', metadata, spec: { image: 'a' } }
  }
  const texts = [
    `\ufeff${app('a')}---\n\ufeff${app('b')}`,
    `${JSON.stringify(json('a'), null, 2)}\n${JSON.stringify(json('b'), null, 2)}\n`,
    `${JSON.stringify(json('a'))}\n---\n${app('b')}`,
    `${JSON.stringify(json('a'))}\r\n${JSON.stringify(json('b'))}\r\n`,
  ]
  for (const [index, text] of texts.entries()) {
    const path = join(folder, `${index}.yaml`)
    writeFileSync(path, text)
    t.match(await runIn('validate', '-f', path), { code: 0, err: /^2 MyApps/ }, text)
  }
})

t.test('names the position of a problem in unusual YAML', async (t) => {
  const head = 'apiVersion: example.com/v1\nkind: MyApp\nmetadata: {name: a}\n'
  for (const [text, problem] of [
    ['spec:\n  image: a\n  args: [cat, -, -, x:, 5]\n', '6:25: spec.args[4]: must be a string'],
    ['spec:\n  image: a\n  env: [\n{name: A,\nvalue: 7}]\n', '8:8: spec.env[0].value: must be a'],
    ['spec:\n  image: "a\nb"\n  port: x\n', '7:9: spec.port: must be an integer'],
    ['spec:\n  image: a\n\t\n  port: 80\n', '6:1: the indentation needs spaces, not tabs'],
    ['spec: {image: a, port: .inf}\n', '4:24: must be a finite number, got .inf'],
  ] as const) {
    const path = join(t.testdir({ 'a.yaml': head + text }), 'a.yaml')
    const { out } = await runIn('validate', '-f', path)
    t.ok(out.includes(`a.yaml:${problem}`), out)
  }
})

t.test('reads a folder that is named like a file only with -R', async (t) => {
  const app = myApp('image: nginx').text
  const folder = t.testdir({ 'a.yaml': app, 'b.yaml': { 'c.yaml': app }, 'd.json': {} })
  t.match(await runIn('validate', '-f', folder), { code: 0, err: /^1 MyApp in 1 file/ })
  t.match(await runIn('validate', '-R', '-f', folder), { code: 1, out: /duplicate "demo-app"/ })
})

t.test('zsh and fish complete every command, option and format', async (t) => {
  for (const shell of ['zsh', 'fish']) {
    const { code, out } = await runIn('completion', shell)
    t.equal(code, 0)
    for (const name of Object.keys(commands)) {
      t.match(out, new RegExp(`'${name}:|-a ${name} `), `${shell}: ${name}`)
    }
    for (const name of Object.keys(options)) {
      t.match(out, new RegExp(`'\\*?--${name}['=]| -l ${name}\\b`), `${shell}: --${name}`)
    }
    for (const choices of [renderFormats, reportFormats, shells]) {
      t.match(out, choices.join(' '), shell)
    }
  }
})

const askBash = `
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_myapp_operator
IFS=,
echo "\${COMPREPLY[*]}"`

/** The suggestions of bash for the last word of a command line. */
function suggestions(script: string, words: string[]): string[] {
  const { stdout } = spawnSync('bash', ['-c', askBash, 'bash', script, ...words], {
    encoding: 'utf8',
  })
  return stdout.trim() === '' ? [] : stdout.trim().split(',')
}

t.test('bash suggests commands, options, formats and shells', async (t) => {
  const folder = t.testdir({ 'completion.bash': (await runIn('completion', 'bash')).out })
  const suggest = (...words: string[]) =>
    suggestions(join(folder, 'completion.bash'), ['myapp-operator', ...words])
  t.notMatch((await runIn('completion', 'bash')).out, /^ *mapfile/m, 'bash 3.2 has no mapfile')
  t.strictSame(suggest(''), [...Object.keys(commands), '--help', '--version'])
  for (const command of Object.keys(commands)) {
    const names = Object.entries<{ for: readonly string[] }>(options)
      .filter(([, { for: allowed }]) => allowed.length === 0 || allowed.includes(command))
      .map(([name]) => `--${name}`)
    t.strictSame(suggest(command, '--'), names, command)
  }
  t.strictSame(suggest('re'), ['render'])
  t.strictSame(suggest('validate', '--l'), ['--lint'])
  t.strictSame(suggest('adopt', '--l'), [])
  t.strictSame(suggest('validate', '-o', ''), ['text', 'json', 'github', 'junit', 'sarif'])
  t.strictSame(suggest('render', '--output', ''), ['yaml', 'json'])
  t.strictSame(suggest('completion', 'z'), ['zsh'])
  for (const [command, option] of [
    ['validate', '-f'],
    ['validate', '--defaults'],
    ['render', '--against'],
    ['certificates', '--ca'],
    ['certificates', '--trust'],
  ] as const) {
    t.strictSame(suggest(command, option, ''), [], `bash completes files after ${option} by itself`)
  }
})

t.test('zsh and fish offer files only for an option that takes a file', async (t) => {
  const { out: zsh } = await runIn('completion', 'zsh')
  const { out: fish } = await runIn('completion', 'fish')
  for (const name of ['filename', 'defaults', 'against', 'ca', 'trust']) {
    t.match(zsh, `'*--${name}=:${name}:_files'`)
    t.match(fish, new RegExp(` -l ${name}.* -r$`, 'm'))
  }
  for (const name of ['namespace', 'context', 'days', 'metacontroller-namespace']) {
    t.match(zsh, `'*--${name}=:${name}: '`)
    t.match(fish, new RegExp(` -l ${name}.* -x$`, 'm'))
  }
})

t.test('certificates prints the Secrets of the manifests and keeps the CA of --ca', async (t) => {
  const folder = t.testdir({})
  const print = async (...args: string[]) => {
    const { code, out, err } = await runIn('certificates', ...args)
    const objects = parseAllDocuments(out).map(
      (document) =>
        document.toJS() as {
          kind: string
          metadata: { name: string; namespace: string }
          data?: Record<string, string>
          stringData?: Record<string, string>
        },
    )
    const named = (kind: string, name: string, namespace: string) =>
      objects.find(
        (object) =>
          object.kind === kind &&
          object.metadata.name === name &&
          object.metadata.namespace === namespace,
      )
    const certificate = (name: string, namespace: string) =>
      new X509Certificate(named('Secret', name, namespace)?.stringData?.['tls.crt'] ?? '')
    return {
      code,
      err,
      out,
      ca: certificate('myapp-operator-ca', 'here'),
      server: certificate('myapp-operator-tls', 'here'),
      client: certificate('myapp-operator-client-tls', 'there'),
      bundle: named('ConfigMap', 'myapp-operator-ca', 'there')?.data?.['ca.crt'] ?? '',
    }
  }
  const namespaces = ['-n', 'here', '--metacontroller-namespace', 'there']
  const first = await print(...namespaces, '--days', '30')
  t.equal(first.code, 0)
  t.equal(first.err.match(/expires on \d{4}-\d\d-\d\d\n/g)?.length, 3)
  t.equal(first.server.subjectAltName, 'DNS:myapp-operator.here.svc')
  t.equal(first.client.subject, 'CN=metacontroller')
  t.ok(first.server.verify(first.ca.publicKey))
  const days = (Date.parse(first.server.validTo) - Date.now()) / 86_400_000
  t.ok(days > 29 && days <= 30, `${days} days`)

  writeFileSync(join(folder, 'first.yaml'), first.out)
  const second = await print(...namespaces)
  writeFileSync(join(folder, 'second.yaml'), second.out)
  t.not(second.bundle, first.bundle)
  const kept = await print(...namespaces, '--ca', join(folder, 'first.yaml'))
  t.ok(kept.client.verify(first.ca.publicKey))
  t.equal(kept.bundle, first.bundle)
  const both = await print(
    ...namespaces,
    ...['--ca', join(folder, 'second.yaml'), '--trust', join(folder, 'first.yaml')],
  )
  t.ok(both.client.verify(second.ca.publicKey))
  t.equal(both.bundle, second.bundle + first.bundle)
  t.match(await runIn('certificates', '--ca', demoApp), {
    code: 2,
    err: /has no Secret myapp-operator-ca with tls.crt and tls.key\n$/,
  })
  const list = JSON.stringify({ kind: 'List', items: parseAllDocuments(first.out) })
  writeFileSync(join(folder, 'list.json'), list)
  t.match(await runIn('certificates', '--ca', join(folder, 'list.json')), { code: 0 })
  writeFileSync(join(folder, 'damaged.yaml'), `kind: [\n`)
  t.match(await runIn('certificates', '--ca', join(folder, 'damaged.yaml')), {
    code: 2,
    err: /damaged.yaml:\d:\d: Flow sequence/,
  })
  writeFileSync(join(folder, 'garbage.yaml'), first.out.replace(/BEGIN CERTIFICATE/g, 'BEGIN'))
  for (const option of ['--ca', '--trust']) {
    t.match(await runIn('certificates', option, join(folder, 'garbage.yaml')), {
      code: 2,
      out: '',
      err: /garbage.yaml: tls.crt is not a certificate in PEM: see .* in docs\/upgrade.md\n$/,
    })
  }
  t.match(await runIn('certificates', '--days', '0'), { code: 2, err: /--days must be 1 to 3650/ })
})
