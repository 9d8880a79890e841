/** What the API server lets in: MyApps by the rules of the CRD, and every manifest of this repository. */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { ControlPlane } from '../control-plane/boot.ts'
import { installMetacontrollerCrds } from '../control-plane/boot.ts'
import { type Api, connect } from './api.ts'
import { bootBare, installMyAppCrd, manifest } from './cluster.ts'
import { pathOf } from './kinds.ts'

const image = 'nginx'
const noServiceName = 'cannot name a Service: use at most 63 lower-case letters, digits and "-", starting with a letter and not ending with "-"'
const noVariable = 'is not a name for an environment variable: use letters, digits, "_", "-" and ".", and do not start with a digit or with ".."'

interface Case {
  what: string
  name?: string
  spec?: unknown
  /** What it is refused with; accepted without. */
  refused?: string
}

const variables = (count: number, value = '') => Array.from({ length: count }, (_, index) => ({ name: `V${String(index).padStart(3, '0')}`, value }))

const cases: Case[] = [
  { what: 'a name of one letter', name: 'a' },
  { what: 'a name of 63 characters', name: 'a'.repeat(63) },
  { what: 'a name of 64 characters', name: 'a'.repeat(64), refused: `"${'a'.repeat(64)}" ${noServiceName}` },
  { what: 'a name that starts with a digit', name: '1shop', refused: `"1shop" ${noServiceName}` },
  { what: 'a name that ends with a digit', name: 'shop-1' },
  { what: 'a name with a dot', name: 'shop.blue', refused: `"shop.blue" ${noServiceName}` },
  { what: 'a name with capitals', name: 'Shop', refused: 'Invalid value: "Shop"' },
  { what: 'a name that ends with a dash', name: 'shop-', refused: 'Invalid value: "shop-"' },
  { what: 'no spec', spec: undefined, refused: 'spec: Required value' },
  { what: 'no image', spec: {}, refused: 'spec.image: Required value' },
  { what: 'an empty image', spec: { image: '' }, refused: 'an image is needed, for example nginx:1.29' },
  { what: 'an image of one letter', spec: { image: 'a' } },
  { what: 'an image of 1024 characters', spec: { image: 'a'.repeat(1024) } },
  { what: 'an image of 1025 characters', spec: { image: 'a'.repeat(1025) }, refused: 'spec.image: Too long: may not be more than 1024' },
  { what: 'an image with a digest', spec: { image: `registry.example.com:5000/team/app:1.0@sha256:${'0'.repeat(64)}` } },
  { what: 'an image with a blank in it', spec: { image: 'nginx latest' }, refused: '"nginx latest" has a blank in it; an image is written without' },
  { what: 'an image with a line break at its end', spec: { image: 'nginx\n' }, refused: 'the image has a line break in it' },
  { what: 'an image that is a number', spec: { image: 1 }, refused: 'spec.image: Invalid value: "integer"' },
  { what: '-1 replicas', spec: { image, replicas: -1 }, refused: '-1 is less than 0' },
  { what: 'no replicas', spec: { image, replicas: 0 } },
  { what: '100 replicas', spec: { image, replicas: 100 } },
  { what: '101 replicas', spec: { image, replicas: 101 }, refused: '101 is more than the 100 that one MyApp may have' },
  { what: '500 replicas', spec: { image, replicas: 500 }, refused: '500 is more than the 100 that one MyApp may have' },
  { what: 'replicas in words', spec: { image, replicas: 'two' }, refused: 'spec.replicas: Invalid value: "string"' },
  { what: 'half a replica', spec: { image, replicas: 0.5 }, refused: 'spec.replicas in body must be of type int32' },
  { what: 'port 0', spec: { image, port: 0 }, refused: '0 is not a port: ports are 1 to 65535' },
  { what: 'port 1', spec: { image, port: 1 } },
  { what: 'port 65535', spec: { image, port: 65535 } },
  { what: 'port 65536', spec: { image, port: 65536 }, refused: '65536 is not a port: ports are 1 to 65535' },
  { what: 'port -1', spec: { image, port: -1 }, refused: '-1 is not a port: ports are 1 to 65535' },
  { what: 'a variable without a name', spec: { image, env: [{ value: 'x' }] }, refused: 'spec.env[0].name: Required value' },
  { what: 'a variable without a value', spec: { image, env: [{ name: 'A' }] } },
  ...['A', '_', 'a.b-c_D9', '-x', '.hidden', '.-', 'A'.repeat(256)].map(name => ({ what: `a variable named ${name.slice(0, 20)}`, spec: { image, env: [{ name, value: 'x' }] } })),
  { what: 'a variable with a line break in its name', spec: { image, env: [{ name: 'A\n' }] }, refused: `this ${noVariable}` },
  ...['9A', '..', '..a', '.', 'A B', 'A=B', 'Ä', ''].map(name => ({ what: `a variable named ${JSON.stringify(name)}`, spec: { image, env: [{ name, value: 'x' }] }, refused: `"${name}" ${noVariable}` })),
  { what: 'a variable with a name of 257 characters', spec: { image, env: [{ name: 'A'.repeat(257) }] }, refused: 'spec.env[0].name: Too long: may not be more than 256' },
  { what: 'a variable that is there twice', spec: { image, env: [{ name: 'A', value: '1' }, { name: 'A', value: '2' }] }, refused: 'spec.env[1]: Duplicate value: {"name":"A"}' },
  { what: 'a variable with a value that is no string', spec: { image, env: [{ name: 'A', value: 1 }] }, refused: 'spec.env[0].value: Invalid value: "integer"' },
  { what: '256 variables', spec: { image, env: variables(256) } },
  { what: '257 variables', spec: { image, env: variables(257) }, refused: 'spec.env: Too many: 257: must have at most 256 items' },
  { what: '32768 characters of names and values', spec: { image, env: [{ name: 'A', value: 'ü'.repeat(32767) }] } },
  { what: '32769 characters of names and values', spec: { image, env: [{ name: 'A', value: 'x'.repeat(32768) }] }, refused: 'names and values have 32769 characters in all, more than the 32768 that fit' },
  { what: '32770 characters in several variables', spec: { image, env: [{ name: 'A', value: 'x'.repeat(16384) }, { name: 'B', value: 'x'.repeat(16384) }] }, refused: 'names and values have 32770 characters in all, more than the 32768 that fit' },
  { what: 'a field that a MyApp does not have', spec: { image, imagge: 'x' }, refused: 'unknown field "spec.imagge"' },
]

t.setTimeout(600_000)
const controlPlane = await bootBare(t)
await Promise.all([installMetacontrollerCrds(controlPlane), installMyAppCrd(controlPlane)])
const api = connect(controlPlane.kubeconfig)
t.teardown(() => api.close())
t.jobs = 8

t.test('a MyApp is let in, or refused in plain words', async t => {
  for (const { what, name = 'shop', refused, ...rest } of cases) {
    const myApp = { apiVersion: 'example.com/v1', kind: 'MyApp', metadata: { name }, spec: { image }, ...rest }
    const answer = await dryRun(api, myApp)
    if (refused === undefined) t.equal(answer, 'accepted', what)
    else t.ok(answer.includes(refused), `${what}: ${answer.slice(0, 300)}`)
    if (refused !== undefined) t.notMatch(answer, /\*.*\n.*\*/, `${what} is refused once`)
  }
})

/** What the API server says to a MyApp that it is not to keep. */
async function dryRun (api: Api, myApp: object): Promise<string> {
  return await api.request('POST', `${pathOf('MyApp', 'default')}?dryRun=All&fieldValidation=Strict`, myApp).then(() => 'accepted', (error: Error) => error.message)
}

t.test('what is left out is filled in', async t => {
  const { spec } = await api.request<{ spec: object }>('POST', `${pathOf('MyApp', 'default')}?dryRun=All`, { apiVersion: 'example.com/v1', kind: 'MyApp', metadata: { name: 'shop' }, spec: { image, env: [{ name: 'A' }] } })
  t.strictSame(spec, { image, replicas: 1, port: 8080, env: [{ name: 'A', value: '' }] })
})

t.test('kubectl scale keeps to the bounds too', async t => {
  await api.request('POST', pathOf('MyApp', 'default'), { apiVersion: 'example.com/v1', kind: 'MyApp', metadata: { name: 'scaled' }, spec: { image } })
  await t.rejects(controlPlane.kubectl(['scale', 'ma', 'scaled', '--replicas=101']), /101 is more than the 100 that one MyApp may have/)
  await controlPlane.kubectl(['scale', 'ma', 'scaled', '--replicas=100'])
})

t.test('kubectl explain tells what each field is for', async t => {
  t.match(await explained('ma.spec.replicas'), 'How many pods run: 0 to 100')
  t.notMatch(await explained('ma.spec'), '<no description>')
  t.notMatch(await explained('ma.status'), '<no description>')
})

/** The API server publishes the descriptions of a new kind a moment after it serves the kind. */
async function explained (field: string): Promise<string> {
  for (;;) {
    const text = await controlPlane.kubectl(['explain', field]).catch(() => undefined)
    if (text !== undefined) return text
    await sleep(250)
  }
}

t.test('every manifest is accepted by the API server as it stands', async t => {
  const files = ['manifests', 'metacontroller'].flatMap(folder => yamlFiles(folder))
  t.ok(files.length > 10, `${files.length} files`)
  await controlPlane.kubectl(['create', 'namespace', 'myapp-operator'])
  for (const file of files) await isAccepted(t, controlPlane, file)
})

function yamlFiles (folder: string): string[] {
  return readdirSync(manifest(folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.yaml') && !path.endsWith('kustomization.yaml'))
    .map(path => `${folder}/${path}`)
}

async function isAccepted (t: Test, { kubectl }: ControlPlane, file: string): Promise<void> {
  const answer = await kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], readFileSync(manifest(file), 'utf8')).catch((error: Error) => error.message)
  t.ok(answer.trim().split('\n').every(line => line.endsWith('(server dry run)')), `${file}: ${answer.trim()}`)
}

t.test('kustomize builds the operator from manifests/, and the API server accepts it', async t => {
  const built = await controlPlane.kubectl(['kustomize', manifest('manifests')])
  const answer = await controlPlane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], built)
  t.match(answer, 'deployment.apps/myapp-operator created (server dry run)')
})
