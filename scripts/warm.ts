import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * Runs the built hook once, with telemetry on and a few calls, and has it keep beside itself what V8 made of its code: it
 * starts in half the time. The files are good for the same Node with the same flags; any other starts as without.
 */
export async function warm(root: string): Promise<void> {
  const hook = spawn(process.execPath, [...nodeFlags(root), 'dist/main.js'], {
    cwd: root,
    env: {
      PORT: '0',
      LOG_FORMAT: 'json',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await address(hook)
  await callAll(url)
  const ended = new Promise((resolve) => hook.once('exit', resolve))
  hook.kill('SIGTERM')
  await ended
  shareWith(nobody, join(root, 'dist/cache'))
}

/** The flags with which `npm start`, like the image, runs the hook. */
export function nodeFlags(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  return (
    scripts.start
      .split('exec node ')[1]
      ?.split(' ')
      .filter((word) => word.startsWith('--')) ?? []
  )
}

/** The user of the image. Node keeps the files of each user apart, and a container's root is read-only. */
const nobody = 65534

function shareWith(user: number, cache: string): void {
  for (const name of readdirSync(cache)) {
    const theirs = name.replace(/-\d+$/, `-${user}`)
    if (theirs !== name) cpSync(join(cache, name), join(cache, theirs), { recursive: true })
  }
}

async function address(hook: ChildProcess): Promise<string> {
  if (hook.stdout === null) throw new Error('the hook has no output')
  for await (const line of createInterface(hook.stdout)) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) {
      hook.stdout.resume()
      return url
    }
  }
  throw new Error('the built hook does not start')
}

const parent = {
  apiVersion: 'example.com/v1',
  kind: 'MyApp',
  metadata: { name: 'a', namespace: 'a', uid: 'a', generation: 1 },
  spec: { image: 'nginx:1', env: [{ name: 'A', value: 'a' }] },
}

interface Child {
  apiVersion: string
  kind: string
  metadata: object
}

/** Calls every route: a new MyApp, one whose children are there, one that is to go, and what is no request. */
async function callAll(url: string): Promise<void> {
  const post = async (
    path: string,
    body: object,
  ): Promise<{ children?: Child[]; status?: object }> =>
    (await (
      await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: JSON.stringify(body),
      })
    ).json()) as object
  const none = { 'Deployment.apps/v1': {}, 'Service.v1': {} }
  const controller = {
    metadata: { name: 'myapp' },
    spec: {
      childResources: [
        { apiVersion: 'apps/v1', resource: 'deployments' },
        { apiVersion: 'v1', resource: 'services' },
      ],
    },
  }
  await post('/customize', { controller, parent })
  const { children = [], status } = await post('/sync', {
    controller,
    parent,
    children: none,
    related: {},
    finalizing: false,
  })
  const observed = Object.fromEntries(
    children.map((child) => [`${child.kind}.${child.apiVersion}`, { 'a/a': withRecord(child) }]),
  )
  const request = {
    controller,
    parent: { ...parent, status },
    children: { ...none, ...observed },
    related: {},
  }
  for (let call = 0; call < 3; call++) await post('/sync', { ...request, finalizing: false })
  await post('/finalize', { ...request, finalizing: true })
  await post('/sync', {})
  await (await fetch(`${url}/readyz`, { headers: { connection: 'close' } })).text()
}

/** A child as the API server holds it after Metacontroller has applied it. */
function withRecord(child: Child): object {
  const annotations = { 'metacontroller.k8s.io/last-applied-configuration': JSON.stringify(child) }
  return {
    ...child,
    metadata: {
      ...child.metadata,
      uid: 'child',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations,
    },
  }
}
