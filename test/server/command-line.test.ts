import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { recorded } from '../support/fixtures/recorded.ts'

const file = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const program = file('dist/cli.js')
if (!existsSync(program)) throw new Error('dist/cli.js is missing: run npm run build')
const demoApp = file('manifests/examples/demo-app.yaml')

/** Runs the built program with the given stdin and environment. */
async function run(
  args: string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
) {
  const { code, stdout, stderr } = await runProgram(
    { command: process.execPath, args: [program, ...args], env: { ...process.env, ...env } },
    { input },
  )
  return { code, out: stdout, err: stderr }
}

t.test('render and validate read files and standard input', async (t) => {
  const rendered = await run(['render', '-f', demoApp])
  t.match(rendered, { code: 0, out: /^apiVersion: apps\/v1\nkind: Deployment\n/, err: '' })
  t.strictSame(await run(['render', '-f', '-'], { input: readFileSync(demoApp, 'utf8') }), rendered)
  t.match(
    await run(['validate', '-f', '-'], {
      input: 'apiVersion: example.com/v1\nkind: MyApp\nmetadata: {name: a}\nspec: {image: a b}\n',
    }),
    {
      code: 1,
      out: /^<stdin>:4:15: spec.image: invalid value "a b": must be an image.*\n$/,
      err: '1 problem in 1 file\n',
    },
  )
})

t.test('prints --help and --version', async (t) => {
  t.match(await run(['--help']), {
    code: 0,
    out: /usage:\n {2}myapp-operator render -f FILE/,
    err: '',
  })
  const { version } = JSON.parse(readFileSync(file('package.json'), 'utf8'))
  t.strictSame(await run(['--version']), { code: 0, out: `${version}\n`, err: '' })
})

/** The files in a folder with their sizes and times. */
const listing = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return `${name} ${size} ${mtimeMs}`
    })

t.test('the package needs no other package, and an interrupted run changes no file', async (t) => {
  const folder = t.testdir({ home: {} })
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const archive = execFileSync('npm', pack, { cwd: file('.'), encoding: 'utf8' }).trim()
  execFileSync('tar', ['-xzf', archive], { cwd: folder })
  const { scripts } = JSON.parse(readFileSync(join(folder, 'package/package.json'), 'utf8'))
  // npm runs these scripts when it installs a package.
  for (const name of ['preinstall', 'install', 'postinstall']) t.notOk(scripts[name], name)

  const command = join(folder, 'package/dist/cli.js')
  const home = join(folder, 'home')
  const env = { PATH: process.env['PATH'], HOME: home, XDG_CACHE_HOME: home, TMPDIR: home }
  const before = listing(folder)
  const interrupted = spawn(process.execPath, [command, 'validate', '-f', '-'], {
    env,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  // When the write ends, the program has read most of the input and waits for the rest.
  interrupted.stdin.on('error', () => {})
  await new Promise((resolve) => interrupted.stdin.write('# a comment\n'.repeat(50_000), resolve))
  interrupted.kill('SIGKILL')
  t.strictSame(await once(interrupted, 'exit'), [null, 'SIGKILL'])
  t.strictSame(listing(folder), before)

  const again = spawnSync(process.execPath, [command, 'validate', '-f', demoApp], {
    env,
    encoding: 'utf8',
  })
  t.match(again, { status: 0, stderr: '1 MyApp in 1 file is valid\n' })
  t.strictSame(listing(folder), before)
})

t.test('accepts a pipe that is closed early', async (t) => {
  const { status, stderr } = spawnSync(
    'sh',
    [
      '-c',
      `"${process.execPath}" "${program}" render -R -f "${file('manifests/examples')}" | head -1`,
    ],
    { encoding: 'utf8' },
  )
  t.equal(status, 0)
  t.notMatch(stderr, /EPIPE|Error/)
  const codeOf = (args: string) =>
    spawnSync(
      'sh',
      [
        '-c',
        `{ sleep 0.1; "${process.execPath}" "${program}" render -f "${demoApp}" ${args}; ` +
          'echo $? >&2; } | :',
      ],
      { encoding: 'utf8' },
    ).stderr
  t.equal(codeOf(''), '0\n')
  t.equal(
    codeOf(`--diff --against "${file('test/support/fixtures/requests/sync-new.json')}"`),
    '1\n',
    'the exit code without the pipe',
  )
  const withoutStderr = spawnSync(
    'bash',
    ['-c', `"${process.execPath}" "${program}" validate -f "${demoApp}" 2> >(:); echo $?`],
    { encoding: 'utf8' },
  )
  t.equal(withoutStderr.stdout, '0\n')
})

/**
 * A fake kubectl. It answers `get` from a list of objects by the kinds and names of its arguments,
 * and refuses one configured resource.
 */
const kubectl = `#!${process.execPath}
import { readFileSync } from 'node:fs'
const args = process.argv
  .slice(2)
  .filter((arg, index, all) => arg !== '--context' && all[index - 1] !== '--context')
const { objects, refused, context } = JSON.parse(readFileSync(process.env.OBJECTS, 'utf8'))
if (context !== undefined && !process.argv.includes(context)) {
  console.error('error: no context')
  process.exit(1)
}
if (args[0] === 'config') { process.stdout.write('default'); process.exit(0) }
const end = args.indexOf(args.includes('-n') ? '-n' : '--ignore-not-found')
const [resources, ...names] = args.slice(1, end)
const plurals = resources.split(',').map((resource) => resource.split('.')[0])
if (plurals.includes(refused)) {
  console.error('Error from server (Forbidden): ' + refused + ' is forbidden')
  process.exit(1)
}
const pluralOf = (kind) =>
  (kind.toLowerCase().replace(/y$/, 'ie') + 's').replace(/sss$/, 'sses')
const items = objects.filter(
  ({ kind, metadata }) =>
    plurals.includes(pluralOf(kind)) && (names.length === 0 || names.includes(metadata.name)),
)
const answer = items.length === 1 && names.length === 1 ? items[0] : { kind: 'List', items }
if (items.length > 0) process.stdout.write(JSON.stringify(answer))
`

/**
 * Returns an environment with a fake kubectl. The cluster of this kubectl has the objects of a
 * recorded request, and `more`.
 */
function cluster(
  t: Test,
  name: string,
  { more = [], refused, context }: { more?: object[]; refused?: string; context?: string } = {},
) {
  const { parent, children, related } = recorded(name)
  const objects = [
    parent,
    ...[...Object.values(children), ...Object.values(related)].flatMap((group) =>
      Object.values(group as Record<string, object>),
    ),
    ...more,
  ]
  const folder = t.testdir({
    kubectl,
    'objects.json': JSON.stringify({ objects, refused, context }),
  })
  chmodSync(`${folder}/kubectl`, 0o755)
  return { PATH: `${folder}:${process.env['PATH']}`, OBJECTS: `${folder}/objects.json` }
}

t.test('--diff --live compares with the cluster of kubectl', async (t) => {
  const env = cluster(t, 'sync-running')
  t.strictSame(await run(['render', '-f', demoApp, '--diff', '--live'], { env }), {
    code: 0,
    out: '',
    err: '',
  })
  const changed = readFileSync(demoApp, 'utf8').replace('replicas: 3', 'replicas: 4')
  t.match(await run(['render', '-f', '-', '--diff', '--live'], { env, input: changed }), {
    code: 1,
    out: /^update Deployment default\/demo-app\n {2}spec.replicas\n/,
    err: '',
  })
  // Without a CompositeController, the optional kinds count as not installed.
  const spec = {
    parentResource: { apiVersion: 'other.example.org/v1', resource: 'myapps' },
    childResources: [],
  }
  const foreign = { kind: 'CompositeController', metadata: { name: 'other' }, spec }
  t.strictSame(
    await run(['render', '-f', demoApp, '--diff', '--live'], {
      env: cluster(t, 'sync-running', { more: [foreign] }),
    }),
    { code: 0, out: '', err: '' },
  )
  const elsewhere = await run(['render', '-f', '-', '-o', 'json', '--diff', '--live'], {
    env,
    input: changed.replace('name: demo-app', 'name: other'),
  })
  t.match(
    [
      elsewhere.code,
      JSON.parse(elsewhere.out).map(
        ({ action, kind }: { action: string; kind: string }) => `${action} ${kind}`,
      ),
    ],
    [1, ['create Deployment', 'create Service', 'create PodDisruptionBudget']],
  )
})

t.test(
  'adopt prints commands for a live Deployment, and refuses a selector that would lose pods',
  async (t) => {
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'legacy', namespace: 'default', uid: 'd' },
      spec: {
        replicas: 2,
        selector: {
          matchLabels: { 'app.kubernetes.io/name': 'legacy' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['a', 'b'] }],
        },
        template: {
          metadata: { labels: { 'app.kubernetes.io/name': 'legacy', tier: 'a' } },
          spec: {
            initContainers: [{ name: 'init', image: 'busybox' }],
            containers: [
              {
                name: 'web',
                image: 'nginx:1.29',
                ports: [{ name: 'http', containerPort: 80 }],
                env: [{ name: 'A', value: 'on' }],
                readinessProbe: { httpGet: { path: '/', port: 'http' }, timeoutSeconds: 1 },
                resources: { limits: { memory: '64Mi' } },
              },
            ],
          },
        },
      },
    }
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'legacy', namespace: 'default', uid: 's' },
      spec: {
        selector: { 'app.kubernetes.io/name': 'legacy' },
        ports: [{ port: 8000, targetPort: 'http' }],
      },
    }
    const replicaSet = (name: string, uid: string) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace: 'default', uid: name, ownerReferences: [{ uid }] },
    })
    const adopt = (more: object[]) =>
      run(['adopt', 'deployment/legacy', '--context', "it's"], {
        env: cluster(t, 'sync-new', { more, context: "it's" }),
      })
    const { code, out, err } = await adopt([
      deployment,
      service,
      replicaSet('legacy-1', 'd'),
      replicaSet('other-1', 'o'),
    ])
    t.equal(code, 0)
    t.equal(err, '')
    const kubectl = `kubectl --context 'it'\\''s' -n default`
    t.strictSame(
      out.split('\n').filter((line) => /^( *kubectl|\w+=\$|if|fi)/.test(line)),
      [
        `${kubectl} label pods -l 'app.kubernetes.io/name=legacy,tier in (a,b)' app=legacy ` +
          'managed-by=myapp-operator',
        `found=$(${kubectl} get deployment legacy --ignore-not-found ` +
          "-o jsonpath='{.metadata.uid}')",
        'if [ "$found" = d ]; then',
        `  ${kubectl} delete deployment legacy --cascade=orphan`,
        'fi',
        `${kubectl} apply -f legacy.yaml`,
        `uid=$(${kubectl} get myapp legacy -o jsonpath='{.metadata.uid}')`,
        `${kubectl} label service legacy controller-uid="$uid" --overwrite`,
        `${kubectl} wait --for=condition=Ready myapp/legacy --timeout=15m`,
        `${kubectl} delete replicaset legacy-1 --ignore-not-found`,
      ],
    )
    const myApp = /END-OF-MYAPP'\n(.*)\nEND-OF-MYAPP\n/s.exec(out)?.[1] ?? ''
    t.match(myApp, /image: nginx:1\.29\n.*port: 80\n +servicePort: 8000\n.*value: "on"\n/s)
    t.match(myApp, /httpGet:\n +path: \/\n.*init:\n +- name: init\n +image: busybox\n/s)
    t.match(await run(['validate', '-f', '-'], { input: myApp }), { code: 0, out: '' })

    const labelled = structuredClone(deployment)
    Object.assign(labelled.spec.selector.matchLabels, { app: 'web' })
    t.match(await adopt([labelled]), {
      code: 2,
      out: '',
      err: /the selector of the Deployment has app=web, and a MyApp needs app=legacy/,
    })
    const published = structuredClone({ ...service, spec: { ...service.spec, type: 'NodePort' } })
    published.spec.ports = ['TCP', 'UDP'].map((protocol) => ({
      ...{ name: protocol.toLowerCase(), port: 53, targetPort: 'http', protocol },
    }))
    t.strictSame((await adopt([deployment, published])).err.split('\n'), [
      'not translated: port 80/UDP',
      'the Service offers port 53/UDP now, and the MyApp offers 53/TCP: callers must change first',
      'the Service has type NodePort, and the MyApp makes it ClusterIP: ' +
        'first create a second Service for callers from outside',
      '',
    ])
    const owned = structuredClone(service)
    Object.assign(owned.metadata, { ownerReferences: [{ uid: 'x', controller: true }] })
    t.match(await adopt([deployment, owned]), {
      code: 2,
      out: '',
      err: /Service legacy belongs to another controller: remove it from there\n$/,
    })
    t.match(await adopt([]), { code: 2, err: /no Deployment default\/legacy\n$/ })
  },
)

t.test('passes --context to kubectl and reports the errors of kubectl', async (t) => {
  const env = cluster(t, 'sync-running', { context: 'production' })
  t.match(await run(['render', '-f', demoApp, '--diff', '--context', 'production'], { env }), {
    code: 0,
  })
  t.match(await run(['render', '-f', demoApp, '--diff', '--context', 'other'], { env }), {
    code: 2,
    out: '',
    err: 'myapp-operator: kubectl: error: no context\n',
  })
  t.match(await run(['render', '-f', demoApp, '--diff', '--live'], { env: { PATH: '/nowhere' } }), {
    code: 2,
    err: 'myapp-operator: kubectl is not on the PATH\n',
  })
})

t.test('reports a remedy if the cluster has no MyApps', async (t) => {
  const says = `error: the server doesn't have a resource type "myapps"`
  const folder = t.testdir({
    kubectl: `#!/bin/sh\necho '${says.replace("'", "'\\''")}' >&2\nexit 1\n`,
  })
  chmodSync(`${folder}/kubectl`, 0o755)
  t.strictSame(
    await run(['render', '-f', demoApp, '--diff', '--live', '-n', 'default'], {
      env: { PATH: `${folder}:${process.env['PATH']}` },
    }),
    {
      code: 2,
      out: '',
      err:
        `myapp-operator: kubectl: ${says}: install its CRD (docs/install.md), ` +
        'or choose a cluster with --context\n',
    },
  )
})

t.test('reports unreadable output of kubectl on one line, not as a difference', async (t) => {
  for (const [text, says] of [
    ['hello', 'the output is not JSON'],
    ['null', 'the output contains something that is not a Kubernetes object'],
    ['{"items": [null]}', 'the output contains something that is not a Kubernetes object'],
  ] as const) {
    const folder = t.testdir({ kubectl: `#!/bin/sh\necho '${text}'\n` })
    chmodSync(`${folder}/kubectl`, 0o755)
    t.strictSame(
      await run(['render', '-f', demoApp, '--diff', '--live'], {
        env: { PATH: `${folder}:${process.env['PATH']}` },
      }),
      { code: 2, out: '', err: `myapp-operator: kubectl: ${says}\n` },
    )
  }
  const folder = t.testdir({ kubectl: '#!/bin/sh\nexit 3\n' })
  chmodSync(`${folder}/kubectl`, 0o755)
  t.match(
    (
      await run(['render', '-f', demoApp, '--diff', '--live'], {
        env: { PATH: `${folder}:${process.env['PATH']}` },
      })
    ).err,
    /^myapp-operator: kubectl: exit code 3\n$/,
  )
})

t.test('prints no config digest and treats an unreadable Secret as unchanged', async (t) => {
  const app =
    readFileSync(demoApp, 'utf8') +
    '    - name: PASSWORD\n      valueFrom: {secretKeyRef: {name: db, key: password}}\n'
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'db', namespace: 'default', uid: 'u' },
    data: { password: 'aGlkZGVu' },
  }
  const diff = (env: Record<string, string>) =>
    run(['render', '-f', '-', '--diff', '--live'], { env, input: app })
  const missing = await diff(cluster(t, 'sync-running'))
  t.match(missing, {
    code: 0,
    err: 'default/demo-app: Secret db not found: running pods are not changed until it exists\n',
  })
  const there = await diff(cluster(t, 'sync-running', { more: [secret] }))
  const newDigest = /\+ +example.com\/config-digest: <known only in the cluster>\n/
  t.match(there, { code: 1, out: newDigest, err: '' })
  t.notMatch(there.out, 'aGlkZGVu')
  t.match(await diff(cluster(t, 'sync-running', { more: [secret], refused: 'secrets' })), {
    code: 1,
    out: /\+ +example.com\/config-digest: <known only in the cluster>\n/,
    err: 'default/demo-app: Secret db cannot be read with your rights: it counts as unchanged\n',
  })
  const inFiles = await run(['render', '-f', '-', '--diff', '--live'], {
    env: cluster(t, 'sync-running', { refused: 'secrets' }),
    input: `${app}---\n${JSON.stringify(secret)}\n`,
  })
  t.strictSame(inFiles, there, 'a Secret in the files is not read from the cluster')
  const unborn = await run(['render', '-f', '-', '--diff', '--live'], {
    env: cluster(t, 'sync-running', { more: [secret] }),
    input: app.replace('name: demo-app', 'name: other'),
  })
  t.match(unborn, {
    code: 1,
    out: /\+ +example.com\/config-digest: <known only in the cluster>\n/,
  })
})
