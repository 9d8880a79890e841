import t from 'tap'
import { ownedPart } from '../../src/metacontroller/managed-fields.ts'

const observed = {
  metadata: { annotations: { ours: '1', theirs: '2' }, finalizers: ['ours', 'theirs'] },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'a' } },
    containers: [
      {
        name: 'app',
        image: 'nginx',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        ports: [
          { containerPort: 80, protocol: 'TCP', name: 'http' },
          { containerPort: 81, protocol: 'TCP' },
        ],
        resources: {},
      },
      { name: 'sidecar', image: 'envoy' },
    ],
    volumes: [{ name: 'cache', emptyDir: {} }],
    tolerations: [{ key: 'a' }],
  },
}

const cases: Array<[what: string, fields: object, part: unknown]> = [
  [
    'some keys of a map',
    { 'f:metadata': { 'f:annotations': { 'f:ours': {} } } },
    { metadata: { annotations: { ours: '1' } } },
  ],
  [
    'an item of a set',
    { 'f:metadata': { 'f:finalizers': { '.': {}, 'v:"ours"': {} } } },
    { metadata: { finalizers: ['ours'] } },
  ],
  [
    'a whole object and a whole list',
    { 'f:spec': { 'f:selector': {}, 'f:tolerations': {} } },
    { spec: { selector: { matchLabels: { app: 'a' } }, tolerations: [{ key: 'a' }] } },
  ],
  [
    'items with their keys, in list order',
    {
      'f:spec': {
        'f:containers': {
          'k:{"name":"app"}': {
            '.': {},
            'f:env': {
              'k:{"name":"B"}': { '.': {}, 'f:value': {} },
              'k:{"name":"A"}': { '.': {} },
            },
            'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { 'f:name': {} } },
            'f:resources': {},
          },
        },
      },
    },
    {
      spec: {
        containers: [
          {
            name: 'app',
            env: [{ name: 'A' }, { name: 'B', value: '2' }],
            ports: [{ containerPort: 80, protocol: 'TCP', name: 'http' }],
            resources: {},
          },
        ],
      },
    },
  ],
  [
    'an empty object in a list item',
    {
      'f:spec': {
        'f:volumes': { 'k:{"name":"cache"}': { '.': {}, 'f:emptyDir': {}, 'f:name': {} } },
      },
    },
    { spec: { volumes: [{ name: 'cache', emptyDir: {} }] } },
  ],
  [
    'a map and a list with foreign fields only',
    { 'f:metadata': { 'f:annotations': { '.': {} } }, 'f:spec': { 'f:volumes': { '.': {} } } },
    { metadata: { annotations: {} }, spec: { volumes: [] } },
  ],
  [
    'a field that no longer exists',
    { 'f:spec': { 'f:paused': {}, 'f:containers': { 'k:{"name":"gone"}': { 'f:image': {} } } } },
    { spec: { containers: [] } },
  ],
]

for (const [what, fields, part] of cases) {
  t.test(`finds the owned fields: ${what}`, async (t) => {
    t.strictSame(ownedPart(observed, fields), part)
  })
}
