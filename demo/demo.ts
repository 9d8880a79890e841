/** Runs the operator on a local or an existing cluster: `npm run demo`. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startMetacontroller } from '../local-cluster/metacontroller.ts'
import { waitUntilEstablished } from '../local-cluster/control-plane/kubectl.ts'
import { keepLog, removeAtEnd } from '../local-cluster/control-plane/processes.ts'
import { reportTo } from '../local-cluster/control-plane/progress.ts'
import { type DemoCluster } from './cluster.ts'
import { useContext } from './context-cluster.ts'
import { followLog } from './follow.ts'
import { startDemoHook } from './hook.ts'
import { bootLocalCluster } from './local-cluster.ts'
import { compositeControllerFor, manifests, readManifests, toYaml } from './manifests.ts'

const usage = `npm run demo                      runs the operator on a local Kubernetes
npm run demo -- --once            waits until demo-app is Running, deletes it and ends
npm run demo -- --context NAME    uses the cluster of that kubeconfig context

METACONTROLLER=/path/to/metacontroller runs the real Metacontroller instead of the stand-in.`

const report = reportTo(process.stdout)
const options = readOptions()
const interrupted = untilInterrupted()
/** The steps of the clean-up. The last step runs first. */
const undo: (() => Promise<void>)[] = []
let problem: unknown
try {
  await demo(interrupted)
} catch (error) {
  problem = interrupted.aborted ? undefined : error
}
if (interrupted.aborted) report('\nStopping …')
while (undo.length > 0) {
  await undo
    .pop()?.()
    .catch((error) => {
      report(`\nThe clean-up is incomplete: ${oneLine(error)}`)
      process.exitCode = 1
    })
}
if (interrupted.aborted && process.exitCode === undefined) {
  report('Stopped. Everything is removed.')
  if (options.once) process.exitCode = 130
}
if (problem !== undefined) {
  report(`\nThe demo failed: ${oneLine(problem)}`)
  process.exitCode = 1
}

async function demo(signal: AbortSignal): Promise<void> {
  const logs = await mkdtemp(join(tmpdir(), 'myapp-operator-demo-'))
  undo.push(await removeAtEnd(logs))
  const hookLog = join(logs, 'hook.log')

  const cluster =
    options.context === undefined
      ? await bootLocalCluster(report, signal)
      : await useContext(options.context, report, signal)
  undo.push(cluster.close)
  await cluster.installMetacontrollerCrds()

  const hook = await startDemoHook(hookLog, signal)
  undo.push(hook.stop)
  report(`The hook runs from src/ at ${hook.url}.`)

  const metacontrollerLog = join(logs, 'metacontroller.log')
  const metacontroller = await startMetacontroller({
    kubeconfig: cluster.metacontrollerKubeconfig,
    logFile: metacontrollerLog,
  })
  undo.push(metacontroller.stop)
  report(
    metacontroller.engine === 'stand-in'
      ? 'The stand-in of the tests runs in place of Metacontroller. ' +
          'METACONTROLLER=/path/to/metacontroller runs the real Metacontroller.'
      : `${metacontroller.engine} runs.`,
  )

  await install(cluster, hook.url, signal)
  await createExample(cluster, hookLog, signal)
  if (options.once) return await deleteExample(cluster, hookLog, signal)

  report(
    [
      '\nFor kubectl in a second terminal:\n',
      ...cluster.exports.map((line) => `  ${line}`),
      '\nThen try: kubectl scale myapp demo-app --replicas=5',
      'The hook restarts when you save a file under src/. Ctrl-C ends the demo.',
      'The log of the hook follows:\n',
    ].join('\n'),
  )
  const ended = new AbortController()
  metacontroller.ended.then((how) => ended.abort(how))
  await followLog(hookLog, AbortSignal.any([signal, ended.signal]))
  if (!signal.aborted) {
    throw new Error(
      `Metacontroller ended with ${ended.signal.reason}; ` +
        `its log: ${await keepLog('metacontroller', metacontrollerLog)}`,
    )
  }
}

async function install(cluster: DemoCluster, hookUrl: string, signal: AbortSignal): Promise<void> {
  for (const crd of manifests.crds) {
    await apply(cluster, crd, toYaml(await readManifests(crd)), signal)
    await waitUntilEstablished(cluster.kubectl, ['-f', crd])
  }
  for (const file of manifests.compositeControllers) {
    await apply(cluster, file, toYaml(await compositeControllerFor(file, hookUrl)), signal)
  }
  if (cluster.outlivesTheDemo) undo.push(() => deleteMyApps(cluster))
}

/**
 * Deletes the MyApps while Metacontroller and the hook still run, so that both can finalize the
 * MyApps. The cluster's `close` removes the remaining objects.
 */
async function deleteMyApps({ kubectl }: DemoCluster): Promise<void> {
  report('Deleting the MyApps, which takes at most 30 s …')
  await kubectl(['delete', 'myapps', '--all', '--all-namespaces', '--timeout=30s']).catch(
    (error) => {
      report(
        `Metacontroller did not finalize the MyApps (${oneLine(error)}). ` +
          'The demo removes the MyApps and their children itself.',
      )
    },
  )
}

/** Creates demo-app and waits until it is Running. */
async function createExample(
  cluster: DemoCluster,
  hookLog: string,
  signal: AbortSignal,
): Promise<void> {
  const { kubectl, timeoutSeconds } = cluster
  const watching = new AbortController()
  const stopWatching = () => watching.abort()
  signal.addEventListener('abort', stopWatching)
  // The watch starts before the MyApp exists. Its output is printed after the line of its command.
  let print = (text: string) => {
    firstLines += text
  }
  let firstLines = ''
  const watch = kubectl(['get', 'myapps', '--watch'], undefined, {
    signal: watching.signal,
    onStdout: (text) => print(text),
  }).catch(() => {})
  try {
    await apply(cluster, manifests.example, undefined, signal)
    report('\n$ kubectl get myapps --watch')
    print = (text) => {
      process.stdout.write(text)
    }
    print(firstLines)
    await kubectl(
      [
        'wait',
        '--for=jsonpath={.status.phase}=Running',
        `--timeout=${timeoutSeconds}s`,
        '-f',
        manifests.example,
      ],
      undefined,
      { signal },
    )
    await sleep(200)
  } catch (error) {
    signal.throwIfAborted()
    throw await failure(cluster, hookLog, 'become Running', error)
  } finally {
    signal.removeEventListener('abort', stopWatching)
    stopWatching()
    await watch
  }
  await show(cluster, ['get', 'deployments,services,pods', '-l', 'app=demo-app'], signal)
}

/** Deletes demo-app and checks that its children are gone, too. */
async function deleteExample(
  cluster: DemoCluster,
  hookLog: string,
  signal: AbortSignal,
): Promise<void> {
  const { kubectl, timeoutSeconds } = cluster
  try {
    await show(cluster, ['delete', 'myapp', 'demo-app', `--timeout=${timeoutSeconds}s`], signal)
  } catch (error) {
    signal.throwIfAborted()
    throw await failure(cluster, hookLog, 'disappear', error)
  }
  const left = await kubectl(
    ['get', 'deployments,services', '-l', 'app=demo-app', '-o', 'name'],
    undefined,
    { signal },
  )
  if (left !== '') {
    throw new Error(
      `demo-app is deleted, but ${left.trim().replaceAll('\n', ' and ')} still exist; ` +
        `the hook's log: ${await keepLog('hook', hookLog)}`,
    )
  }
  report('\ndemo-app was Running. It is gone, with its Deployment and its Service.')
}

/**
 * The error for a demo-app that did not become Running or was not deleted. It contains the status
 * of demo-app after a timeout, otherwise the cause, and the path of a copy of the hook's log.
 */
async function failure(
  { kubectl, timeoutSeconds }: DemoCluster,
  hookLog: string,
  what: string,
  cause: unknown,
): Promise<Error> {
  const timedOut = (cause as Error).message.includes('timed out waiting for the condition')
  const status = timedOut
    ? await kubectl([
        'get',
        '-f',
        manifests.example,
        '-o',
        'jsonpath={.status.phase}: {.status.message}',
      ]).catch(() => '')
    : ''
  const why = status.length > 2 ? status : (cause as Error).message
  return new Error(
    `demo-app did not ${what}${timedOut ? ` within ${timeoutSeconds} s` : ''} (${why}); ` +
      `the hook's log: ${await keepLog('hook', hookLog)}`,
    { cause },
  )
}

async function apply(
  { kubectl }: DemoCluster,
  file: string,
  changed: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const name = relative(join(import.meta.dirname, '..'), file)
  report(`$ kubectl apply -f ${name}`)
  try {
    report(
      (
        await kubectl(['apply', '-f', changed === undefined ? file : '-'], changed, { signal })
      ).trimEnd(),
    )
  } catch (error) {
    throw new Error(`${name} could not be applied: ${oneLine(error)}`, { cause: error })
  }
}

async function show({ kubectl }: DemoCluster, args: string[], signal: AbortSignal): Promise<void> {
  report(`\n$ kubectl ${args.join(' ')}`)
  report((await kubectl(args, undefined, { signal })).trimEnd())
}

function oneLine(error: unknown): string {
  const line = (error as Error).message.replace(/\s+/g, ' ').trim()
  return line.length > 800 ? `${line.slice(0, 800)} …` : line
}

function readOptions(): { once: boolean; context?: string } {
  try {
    const {
      values: { help, ...values },
    } = parseArgs({
      options: {
        once: { type: 'boolean', default: false },
        context: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (!help) return values
    console.log(usage)
    process.exit()
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(2)
  }
}

/** Aborts the signal at the first Ctrl-C. A second Ctrl-C ends the process and its children. */
function untilInterrupted(): AbortSignal {
  const controller = new AbortController()
  let first = 0
  const interrupt = () => {
    first ||= Date.now()
    // npm forwards a Ctrl-C that the terminal has already sent to this process.
    if (Date.now() - first > 1000) process.exit(130)
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  // The clean-up must run even if the terminal is closed.
  process.stdout.on('error', interrupt)
  return controller.signal
}
