/**
 * Builds the programs of the local control plane from their Go modules, once per user and version.
 * To build them by hand, run `node local-cluster/control-plane/build.ts`.
 */
import { createHash } from 'node:crypto'
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeAtEnd, runProgram } from './processes.ts'
import { type Report, reportTo } from './progress.ts'

/** Programs of one Go module that are built together. */
interface Programs {
  name: string
  /** The folder of the module: `go/` unless set. */
  folder?: string
  /** Source files of this project that the programs are built from. */
  sources?: string[]
  packages: string[]
  /** The duration of the first build on two cores. */
  minutes: number
  ldflags?: string
  /** Build tags. */
  tags?: string
}

const moduleFolder = join(import.meta.dirname, 'go')
const oldestGo = '1.26'
const lockIsStaleAfterMs = 20_000
/** A terminal shows one line that changes. A log keeps every line. */
const progressEveryMs = process.stderr.isTTY ? 250 : 20_000

/**
 * Returns the folder with `server` (etcd), `kube-apiserver`, `kube-controller-manager`,
 * `kube-scheduler`, `kubectl` and `kwok`. Builds them with Go if they are not in the user's cache.
 */
export async function ensureControlPlane(report: Report, signal?: AbortSignal): Promise<string> {
  return await ensureBuilt(await kubernetes(), report, signal)
}

/** Returns the folder with `collector`, the OpenTelemetry Collector. */
export async function ensureCollector(report: Report, signal?: AbortSignal): Promise<string> {
  return await ensureBuilt(collector, report, signal)
}

/** Returns the folder with `promtool`. */
export async function ensurePromtool(report: Report, signal?: AbortSignal): Promise<string> {
  return await ensureBuilt(promtool, report, signal)
}

/** Returns the folder with `reference`, which reads YAML like kubectl and diffs like Argo CD. */
export async function ensureReference(report: Report, signal?: AbortSignal): Promise<string> {
  return await ensureBuilt(reference, report, signal)
}

async function ensureBuilt(
  programs: Programs,
  report: Report,
  signal?: AbortSignal,
): Promise<string> {
  const folder = join(cacheFolder(), await cacheKey(programs))
  if (await exists(folder)) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const unlock = await lock(`${folder}.lock`, report, signal)
  try {
    if (!(await exists(folder))) await build(programs, folder, report, signal)
  } finally {
    await unlock()
  }
  return folder
}

async function kubernetes(): Promise<Programs> {
  const version = /k8s\.io\/kubernetes (v\S+)/.exec(
    await readFile(join(moduleFolder, 'go.mod'), 'utf8'),
  )?.[1]
  return {
    name: `Kubernetes ${version}`,
    packages: [
      ...['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'].map(
        (name) => `k8s.io/kubernetes/cmd/${name}`,
      ),
      'go.etcd.io/etcd/server/v3',
      'sigs.k8s.io/kwok/cmd/kwok',
    ],
    minutes: 7,
    // The default version is v0.0.0.
    ldflags: `-X k8s.io/component-base/version.gitVersion=${version}`,
  }
}

const collector: Programs = {
  name: 'OpenTelemetry Collector',
  packages: ['./collector'],
  minutes: 1,
}

const promtool: Programs = {
  // The tag leaves out service discovery, which is most of the packages.
  name: 'promtool',
  packages: ['github.com/prometheus/prometheus/cmd/promtool'],
  minutes: 1,
  tags: 'remove_all_sd',
}

const reference: Programs = {
  name: 'the reference for kubectl and Argo CD',
  folder: join(import.meta.dirname, '../../test/support/go'),
  sources: ['main.go'],
  packages: ['.'],
  minutes: 1,
}

function cacheFolder(): string {
  const caches =
    process.env['XDG_CACHE_HOME'] ||
    join(homedir(), process.platform === 'darwin' ? 'Library/Caches' : '.cache')
  return join(caches, 'myapp-operator')
}

async function cacheKey({
  folder = moduleFolder,
  sources = ['collector/main.go'],
  ...programs
}: Programs): Promise<string> {
  const hash = createHash('sha256').update(
    JSON.stringify([process.platform, process.arch, programs]),
  )
  for (const file of ['go.mod', 'go.sum', ...sources]) {
    hash.update(await readFile(join(folder, file)))
  }
  return hash.digest('hex').slice(0, 16)
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/**
 * Lets one process build at a time. The holder touches the lock regularly, so an old lock belongs
 * to a killed process. If two processes hold it, both builds succeed.
 */
async function lock(
  path: string,
  report: Report,
  signal?: AbortSignal,
): Promise<() => Promise<void>> {
  const mine = `${path}-${process.pid}`
  await writeFile(mine, '')
  try {
    for (
      let waiting = false;
      !(await link(mine, path).then(
        () => true,
        () => false,
      ));
      waiting = true
    ) {
      if (!waiting) report('Waiting for another process that builds the local control plane')
      const held = await stat(path).catch(() => undefined)
      if (held !== undefined && Date.now() - held.mtimeMs > lockIsStaleAfterMs) {
        await rm(path, { force: true })
      } else await sleep(500, undefined, signal === undefined ? {} : { signal })
    }
  } finally {
    await rm(mine, { force: true })
  }
  const touch = setInterval(
    () => utimes(path, new Date(), new Date()).catch(() => {}),
    lockIsStaleAfterMs / 10,
  ).unref()
  return async () => {
    clearInterval(touch)
    await rm(path, { force: true })
  }
}

async function build(
  programs: Programs,
  folder: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  await checkGo(signal)
  const log = `${folder}.log`
  await writeFile(log, '')
  const partial = await mkdtemp(`${folder}.partial-`)
  const removePartial = await removeAtEnd(partial)
  try {
    report(
      `Building ${programs.name}: about ${programs.minutes} min on two cores, the first time only`,
    )
    await compile(programs, partial, log, report, signal)
    await rename(partial, folder).catch(async (error) => {
      if (!(await exists(folder))) throw error
    })
    await rm(log, { force: true })
    report(`Built into ${folder}`)
  } finally {
    await removePartial()
  }
}

async function checkGo(signal?: AbortSignal): Promise<void> {
  // The go.mod of the folder may select another toolchain.
  const { code, stdout, stderr } = await runProgram(
    { command: 'go', args: ['env', 'GOVERSION'], cwd: moduleFolder },
    { signal },
  )
  if (code === 127) {
    throw new Error(
      `The local control plane is built with Go ${oldestGo} or newer. ` +
        'There is no `go` on the PATH.',
    )
  }
  const tooOld = /running go (\S+?)[;)]/.exec(stderr)?.[1]
  if (tooOld !== undefined) {
    throw new Error(
      `The local control plane is built with Go ${oldestGo} or newer. The \`go\` on the PATH is ` +
        `${tooOld}, and GOTOOLCHAIN keeps it from fetching a newer one.`,
    )
  }
  if (code !== 0) throw new Error(`\`go env\` failed: ${firstLine(stderr || stdout)}`)
}

async function compile(
  { name, packages, folder = moduleFolder, ldflags = '', tags = '' }: Programs,
  into: string,
  log: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  let downloaded = 0
  let compiled = 0
  let total: number | undefined
  const started = Date.now()
  const timer = setInterval(() => {
    const done =
      total === undefined
        ? `${downloaded} Go modules fetched`
        : `${compiled} of about ${total} packages compiled`
    report(`${name}: ${done} in ${clock(Date.now() - started)}`, 'progress')
  }, progressEveryMs)
  try {
    const dependencies = await go(['list', '-deps', `-tags=${tags}`, ...packages], (line) => {
      if (line.startsWith('go: downloading')) downloaded++
    })
    total = dependencies.trim().split('\n').length
    await go(
      [
        'build',
        '-v',
        '-trimpath',
        `-tags=${tags}`,
        `-ldflags=-s -w ${ldflags}`,
        '-o',
        `${into}/`,
        ...packages,
      ],
      (line) => {
        if (/^[\w.~-]+(\/[\w.~-]+)*$/.test(line)) compiled++
      },
    )
  } finally {
    clearInterval(timer)
  }

  async function go(args: string[], onLine: (line: string) => void): Promise<string> {
    const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' }
    const { code, stdout, stderr } = await runProgram(
      { command: 'go', args, cwd: folder, env },
      { signal, onStderr: splitLines(onLine) },
    )
    await appendFile(log, `go ${args.join(' ')}\n${stderr}\n`)
    if (code !== 0) {
      throw new Error(
        `Building ${name} failed (${lastLine(stderr)}); the compiler's output: ${log}`,
      )
    }
    return stdout
  }
}

function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

function splitLines(onLine: (line: string) => void): (text: string) => void {
  let rest = ''
  return (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(onLine)
  }
}

const firstLine = (text: string) => text.trim().split('\n')[0]?.slice(0, 300)
const lastLine = (text: string) => text.trim().split('\n').at(-1)?.slice(0, 300)

if (import.meta.main) {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => interrupted.abort())
  }
  try {
    console.log(await ensureControlPlane(reportTo(process.stderr), interrupted.signal))
    console.log(await ensureCollector(reportTo(process.stderr), interrupted.signal))
    console.log(await ensurePromtool(reportTo(process.stderr), interrupted.signal))
    console.log(await ensureReference(reportTo(process.stderr), interrupted.signal))
  } catch (error) {
    console.error(`\n${interrupted.signal.aborted ? 'Interrupted.' : (error as Error).message}`)
    process.exitCode = 1
  }
}
