import { Agent } from 'node:https'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import t from 'tap'
import { permissionFlags } from '../../build/flags.ts'
import { startBuiltHook } from '../support/built-hook.ts'
import { recorded } from '../support/fixtures/recorded.ts'
import {
  clientOptions,
  createPki,
  hookFiles,
  mountedFolder,
  postTls,
  tlsEnvironment,
} from '../support/tls.ts'
import { serverFor } from '../support/server.ts'

const myApp = (spec: object) => ({
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name: 'demo-app', namespace: 'default' },
  spec,
})

const reviewOf = (request: object) => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
    kind: { group: 'example.com', version: 'v1', kind: 'MyApp' },
    name: 'demo-app',
    namespace: 'default',
    userInfo: { username: 'dev', groups: ['system:authenticated'] },
    ...request,
  },
})

const invalid = { image: 'nginx:1.29.1', replicas: 500 }
const defaults = fileURLToPath(
  new URL('../../manifests/platform-defaults/defaults.yaml', import.meta.url),
)

t.test('POST /admission/validate answers an AdmissionReview', async (t) => {
  const lines: string[] = []
  const logger = pino({}, { write: (line: string) => lines.push(line) })
  const server = await serverFor({}, { logger })
  t.teardown(() => server.close())
  const send = async (payload: object) => {
    const response = await server.inject({
      method: 'POST',
      url: '/admission/validate',
      headers: { 'content-type': 'application/json' },
      payload,
    })
    return { status: response.statusCode, body: response.json() }
  }
  t.match(await send(reviewOf({ operation: 'CREATE', object: myApp(invalid), dryRun: true })), {
    status: 200,
    body: {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: {
        uid: '705ab4f5-6393-11e8-b7cc-42010a800002',
        allowed: false,
        status: { code: 422, message: 'spec.replicas: must be at most 100, got 500' },
      },
    },
  })
  const latest = await send(reviewOf({ operation: 'CREATE', object: myApp({ image: 'nginx' }) }))
  t.match(latest.body.response, { allowed: true, warnings: [/^spec\.image: /] })
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      {
        msg: 'admission request',
        name: 'demo-app',
        operation: 'CREATE',
        allowed: false,
        dryRun: true,
      },
      { msg: 'admission request', allowed: true },
    ],
  )
  for (const payload of [
    {},
    [],
    reviewOf({ operation: 'PATCH' }),
    reviewOf({ uid: 'x'.repeat(300) }),
  ]) {
    t.match(await send(payload), { status: 422, body: { error: /^not an AdmissionReview: / } })
  }
})

t.test('ADMISSION_PORT serves admission reviews only, without a client certificate', async (t) => {
  const pki = await createPki()
  const folder = mountedFolder(t, hookFiles(pki, [pki.authority]))
  const { url, admission, lines } = await startBuiltHook(
    t,
    { ADMISSION_PORT: '0', PLATFORM_DEFAULTS_FILE: defaults, ...tlsEnvironment(folder) },
    [...permissionFlags, '--allow-fs-read=/'],
  )
  const apiServer = new Agent(clientOptions([pki.authority]))
  const metacontroller = new Agent(clientOptions([pki.authority], pki.client))
  t.teardown(() => {
    apiServer.destroy()
    metacontroller.destroy()
  })
  const before = { ...invalid, port: 0 }
  const update = reviewOf({
    operation: 'UPDATE',
    object: myApp({ ...before, image: 'nginx:1.30.1' }),
    oldObject: myApp(before),
  })
  const { status, body } = await postTls(`${admission}/admission/validate`, update, apiServer)
  t.equal(status, 200)
  t.match(body.response, { allowed: true, warnings: [/^spec\.(port|replicas): /, String] })
  const short = reviewOf({
    operation: 'CREATE',
    object: myApp({ image: 'nginx:1.29.1', ingress: {} }),
  })
  t.strictSame(
    (await postTls(`${admission}/admission/validate`, short, apiServer)).body.response,
    { uid: short.request.uid, allowed: true },
    'no warning: platform defaults set the memory limit and the class of the Ingress',
  )
  const sync = recorded('sync-running')
  t.equal((await postTls(`${admission}/sync`, sync, apiServer)).status, 404)
  await t.rejects(
    postTls(`${url}/admission/validate`, update, apiServer),
    'PORT requires a client certificate',
  )
  t.equal((await postTls(`${url}/admission/validate`, update, metacontroller)).status, 404)
  t.equal((await postTls(`${url}/sync`, sync, metacontroller)).status, 200)
  const large = reviewOf({ operation: 'CREATE', object: { padding: 'x'.repeat(1_100_000) } })
  t.match(await postTls(`${admission}/admission/validate`, large, apiServer), {
    status: 413,
    error: /at most 1048576 bytes/,
  })
  const next = await createPki()
  folder.replace(hookFiles(next, [next.authority]))
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if (lines.some((line) => line.includes('certificates loaded'))) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const other = new Agent({ ...clientOptions([next.authority]), keepAlive: false })
  t.equal((await postTls(`${admission}/admission/validate`, update, other)).status, 200)
})
