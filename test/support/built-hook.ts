import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { nodeFlags } from '../../build/flags.ts'
import { spawnInGroup } from '../../local-cluster/control-plane/processes.ts'

const root = new URL('../../', import.meta.url)
export const program = fileURLToPath(new URL('dist/main.js', root))
if (!existsSync(program)) throw new Error('dist/main.js is missing: run npm run build')

/** A process of the built hook. */
export interface BuiltHook {
  child: ChildProcess
  /** The lines that it wrote to standard output. */
  lines: string[]
  /** The text that it wrote to standard error. */
  errors: string[]
  /** The address that it listens on: the origin of a URL. */
  url: string
  port: number
  /** The origin of the probes, if they have a port of their own. */
  probes: string | undefined
  /** The origin of the admission webhook, if it has a port of its own. */
  admission: string | undefined
  exited: Promise<[code: number | null, signal: NodeJS.Signals | null]>
}

/**
 * Starts the built hook on a free port of loopback and waits until it listens. The hook ends with
 * the test.
 */
export async function startBuiltHook(
  t: Test,
  environment: Record<string, string> = {},
  flags: string[] = [],
): Promise<BuiltHook> {
  const child = spawnInGroup(
    {
      name: 'hook',
      command: process.execPath,
      args: [...flags, program],
      env: { PORT: '0', ...environment },
    },
    'pipe',
  )
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  const exited = once(child, 'exit') as BuiltHook['exited']
  const [lines, errors]: [string[], string[]] = [[], []]
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  child.stdout
    ?.setEncoding('utf8')
    .on('data', (text: string) => lines.push(...text.trim().split('\n')))
  for (const deadline = Date.now() + 30_000; ; await wait(10)) {
    const url = originIn(lines, 'listening on')
    const probes = originIn(lines, 'probes on')
    const admission = originIn(lines, 'admission webhook on')
    if (
      url !== undefined &&
      (probes !== undefined) === 'PROBE_PORT' in environment &&
      (admission !== undefined) === 'ADMISSION_PORT' in environment
    ) {
      const { port } = new URL(url)
      return { child, lines, errors, url, port: Number(port), probes, admission, exited }
    }
    if (child.exitCode !== null) {
      throw new Error(`the hook ended: ${[...lines, ...errors].join('\n')}`)
    }
    if (Date.now() > deadline) {
      throw new Error(`not listening after 30 s: ${[...lines, ...errors].join('\n')}`)
    }
  }
}

/** The origin after a text in the log; undefined if no line contains both. */
const originIn = (lines: string[], text: string) =>
  lines
    .map((line) => new RegExp(`${text} (https?://127\\.0\\.0\\.1:\\d+)"`).exec(line)?.[1])
    .find((origin) => origin !== undefined)

/** The settings of the deployment and the image: environment, flags of Node and memory limit. */
export function asDeployed(): {
  environment: Record<string, string>
  flags: string[]
  memoryLimitBytes: number
} {
  const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
  const [container] = parse(read('manifests/deployment.yaml')).spec.template.spec.containers
  const heap = container.env.find(({ name }: { name: string }) => name === 'NODE_OPTIONS').value
  const malloc = read('Dockerfile').matchAll(/(MALLOC_\w+)=(\d+)/g)
  return {
    environment: {
      NODE_ENV: 'production',
      ...Object.fromEntries([...malloc].map(([, name, value]) => [name, value])),
    },
    // On the command line, because tests clear NODE_OPTIONS of the programs that they start.
    flags: [...heap.split(' '), ...nodeFlags],
    memoryLimitBytes: Number.parseInt(container.resources.limits.memory) * 1024 * 1024,
  }
}
