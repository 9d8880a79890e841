import { execFileSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseAllDocuments } from 'yaml'
import { ensureControlPlane } from '../../local-cluster/control-plane/build.ts'
import { reportTo } from '../../local-cluster/control-plane/progress.ts'

const kubectl = join(await ensureControlPlane(reportTo(process.stderr)), 'kubectl')
const component = fileURLToPath(new URL('../../manifests/kustomize', import.meta.url))

const app = `apiVersion: example.com/v1
kind: MyApp
metadata: {name: shop}
spec:
  image: registry.example.com/shop:1.0.0
  env:
    - {name: LOG_LEVEL, value: info}
    - {name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
    - {name: MODE, valueFrom: {configMapKeyRef: {name: shop, key: mode}}}
  envFrom: [{configMapRef: {name: shop}}, {secretRef: {name: db}}]
  volumes:
    - {name: config, mountPath: /config, configMap: {name: shop}}
    - {name: secret, mountPath: /secret, secret: {secretName: db}}
    - {name: data, mountPath: /data, persistentVolumeClaim: {claimName: data}}
    - name: all
      mountPath: /all
      projected: {sources: [{configMap: {name: shop}}, {secret: {name: db}}]}
    - {name: store, mountPath: /store, csi: {driver: a.b, nodePublishSecretRef: {name: db}}}
  init:
    - name: migrate
      image: registry.example.com/shop:1.0.0
      env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]
      envFrom: [{configMapRef: {name: shop}}]
  sidecars:
    - name: proxy
      image: registry.example.com/proxy:1
      env: [{name: MODE, valueFrom: {configMapKeyRef: {name: shop, key: mode}}}]
      envFrom: [{secretRef: {name: db}}]
  files: {/etc/shop.conf: fast}
  priorityClassName: high
  serviceAccountName: shop
  imagePullSecrets: [{name: db}]
  ingress: {host: shop.example.com, tlsSecretName: db}
  networkPolicy: {from: [{app: shop}], to: [{app: elsewhere}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: shop}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: plain}
spec:
  template:
    spec: {containers: [{name: one, image: one}, {name: two, image: two}]}
`
const base = `resources: [app.yaml]
configMapGenerator: [{name: shop, literals: [mode=fast]}]
secretGenerator: [{name: db, literals: [password=x]}]
`
const overlay = `resources: [../base]
components: [../kustomize]
openapi: {path: openapi.json}
namePrefix: test-
images:
  - {name: registry.example.com/shop, newTag: 1.2.3}
  - {name: registry.example.com/proxy, newName: mirror.example.com/proxy, digest: "sha256:0a"}
replicas: [{name: shop, count: 5}]
patches:
  - patch: |
      apiVersion: example.com/v1
      kind: MyApp
      metadata: {name: shop}
      spec:
        env: [{name: LOG_LEVEL, value: debug}, {name: MORE, value: x}]
        volumes: [{name: tmp, mountPath: /tmp, emptyDir: {}}]
        init: [{name: migrate, env: [{name: MORE, value: x}]}]
        files: {/etc/more.conf: slow}
  - patch: |
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: plain}
      spec: {template: {spec: {containers: [{name: one, image: three}]}}}
`

interface Rendered {
  kind: string
  metadata: { name: string }
  spec: Record<string, unknown>
}

t.test('a kustomize overlay changes names, image and lists of a MyApp', async (t) => {
  const folder = t.testdir({
    base: { 'app.yaml': app, 'kustomization.yaml': base },
    overlay: { 'kustomization.yaml': overlay },
  })
  cpSync(component, join(folder, 'kustomize'), { recursive: true })
  cpSync(join(component, 'openapi.json'), join(folder, 'overlay/openapi.json'))
  const build = () =>
    parseAllDocuments(
      execFileSync(kubectl, ['kustomize', join(folder, 'overlay')], { encoding: 'utf8' }),
    ).map((document) => document.toJS() as Rendered)
  const objects = build()
  const named = (kind: string) => objects.find((object) => object.kind === kind)
  const [config, secret] = [named('ConfigMap')?.metadata.name, named('Secret')?.metadata.name]
  t.match(config, /^test-shop-\w{10}$/)
  t.match(secret, /^test-db-\w{10}$/)
  t.equal(named('MyApp')?.metadata.name, 'test-shop')
  t.match(named('MyApp')?.spec, {
    image: 'registry.example.com/shop:1.2.3',
    replicas: 5,
    serviceAccountName: 'test-shop',
    imagePullSecrets: [{ name: secret }],
    ingress: { tlsSecretName: secret },
    networkPolicy: { from: [{ app: 'test-shop' }], to: [{ app: 'elsewhere' }] },
    envFrom: [{ configMapRef: { name: config } }, { secretRef: { name: secret } }],
  })
  t.equal(named('MyApp')?.spec['priorityClassName'], named('PriorityClass')?.metadata.name)
  t.strictSame(named('MyApp')?.spec['files'], {
    '/etc/shop.conf': 'fast',
    '/etc/more.conf': 'slow',
  })
  const itemsByName = (list: unknown) =>
    Object.fromEntries((list as Array<{ name: string }>).map((item) => [item.name, item]))
  const byName = (field: string) => itemsByName(named('MyApp')?.spec[field])
  const [migrate] = named('MyApp')?.spec['init'] as Array<{ env: unknown }>
  t.match(migrate, {
    image: 'registry.example.com/shop:1.2.3',
    envFrom: [{ configMapRef: { name: config } }],
  })
  t.match(itemsByName(migrate?.env), {
    PASSWORD: { valueFrom: { secretKeyRef: { name: secret } } },
    MORE: { value: 'x' },
  })
  t.match(named('MyApp')?.spec['sidecars'], [
    {
      image: 'mirror.example.com/proxy@sha256:0a',
      env: [{ valueFrom: { configMapKeyRef: { name: config } } }],
      envFrom: [{ secretRef: { name: secret } }],
    },
  ])
  t.match(byName('env'), {
    LOG_LEVEL: { value: 'debug' },
    PASSWORD: { valueFrom: { secretKeyRef: { name: secret } } },
    MODE: { valueFrom: { configMapKeyRef: { name: config } } },
    MORE: { value: 'x' },
  })
  t.match(byName('volumes'), {
    config: { configMap: { name: config } },
    secret: { secret: { secretName: secret } },
    data: { persistentVolumeClaim: { claimName: 'test-data' } },
    all: {
      projected: { sources: [{ configMap: { name: config } }, { secret: { name: secret } }] },
    },
    store: { csi: { nodePublishSecretRef: { name: secret } } },
    tmp: { emptyDir: {} },
  })
  t.match(
    named('Deployment')?.spec,
    { template: { spec: { containers: [{ image: 'three' }, { image: 'two' }] } } },
    'kustomize still merges lists of other kinds',
  )
  writeFileSync(
    join(folder, 'overlay/kustomization.yaml'),
    overlay.replace('components: [../kustomize]\n', '').replace(/^replicas.*\n/m, ''),
  )
  t.match(build().find(({ kind }) => kind === 'MyApp')?.spec, {
    image: 'registry.example.com/shop:1.0.0',
  })
})
