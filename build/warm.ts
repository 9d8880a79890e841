import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { nodeFlags } from './flags.ts'

/**
 * Fills the code cache in dist/cache: runs the built hook once, with telemetry on, and calls every
 * route. The hook then starts in half the time. The cache is valid for the same version of Node
 * with the same V8 flags; any other ignores it.
 */
export async function warm(root: string): Promise<void> {
  const hook = spawn(process.execPath, [...nodeFlags, 'dist/main.js'], {
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

/** The user of the image. Node keeps one cache per user, and the root of a container is read-only. */
const nobody = 65534

/** Copies the cache of the user who builds for another user. */
function shareWith(user: number, cache: string): void {
  for (const name of readdirSync(cache)) {
    const theirs = name.replace(/-\d+$/, `-${user}`)
    if (theirs !== name) cpSync(join(cache, name), join(cache, theirs), { recursive: true })
  }
}

async function address(hook: ChildProcess): Promise<string> {
  if (hook.stdout === null) throw new Error('the hook has no standard output')
  for await (const line of createInterface(hook.stdout)) {
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (url !== undefined) {
      hook.stdout.resume()
      return url
    }
  }
  throw new Error('the built hook ended before it listened')
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

/** Calls every route: for a new MyApp, for one with children, for a deletion, and with a bad body. */
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

/** A child as the API server stores it after Metacontroller has applied it. */
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
