import type { ObservedPod } from '../request.ts'
import { counted, listed, truncated } from '../../text.ts'

type ContainerStatus = NonNullable<NonNullable<ObservedPod['status']>['containerStatuses']>[number]
type Container = NonNullable<NonNullable<ObservedPod['spec']>['containers']>[number]
type PodSpec = NonNullable<ObservedPod['spec']>
type Probe = NonNullable<Container['readinessProbe']>

/** The reason why a pod does not run. Pods with the same reason are counted together. */
interface Failure {
  reason: string
  message: string
  restarts?: number
  /** The name of the pod, if the message is about one of several pods. */
  pod?: string
}

/** The cause of a wait, and the text for a wait that has become a failure. */
interface Wait {
  reason: string
  /** Undefined for a wait that is not reported, because every pod has it once. */
  waitingFor: string | undefined
  failure: string
}

/** Every container is in one of these states before it starts. */
const startingReasons = ['ContainerCreating', 'PodInitializing']

/** The kubelet retries, and reports one failure with several reasons. */
const sameReason = new Map([
  ['ErrImagePull', 'ImagePullBackOff'],
  ['StartError', 'RunContainerError'],
  ['ContainerCannotRun', 'RunContainerError'],
])

/** The reason of a container that the kubelet did not find, for example after a node restart. */
const lostContainer = 'ContainerStatusUnknown'

/** The exit codes of a program that was stopped or killed from outside. */
const exitCodesOfStopped = [0, 137, 143]

/** The kubelet resets the back-off of a container that has run for this long, in ms. */
const backOffResetMs = 10 * 60 * 1000

/** A working kubelet removes a pod within this time after its grace period, in ms. */
const maxRemovalDelayMs = 30 * 1000

/** The longest part of a foreign message that is read, and the longest that is shown. */
const maxReadLength = 2000
const maxShownLength = 400
/** The longest foreign reason or name in a message, in characters. */
const maxNameLength = 253

/**
 * Describes failing pods in one sentence: their number and the most common reason. A pod that is
 * starting does not fail before the progress deadline. Undefined if no pod fails; but after the
 * deadline, the sentence then describes old pods that do not terminate. `now` is the time at which
 * the pods were observed.
 */
export function failingPods(
  pods: ObservedPod[],
  now: string,
  pastDeadline = false,
): string | undefined {
  const living = pods.filter(isAlive)
  const shorten = messageShortener()
  const failures: Failure[] = []
  const waits: Wait[] = []
  for (const pod of living) {
    const failure = failureOf(pod, now, shorten)
    const wait = failure === undefined ? waitOf(pod, pods.length, shorten) : undefined
    const { name } = pod.metadata
    if (failure !== undefined) failures.push({ ...failure, pod: name })
    else if (wait !== undefined && pastDeadline) {
      failures.push({ reason: wait.reason, message: wait.failure, pod: name })
    } else if (wait?.waitingFor !== undefined) waits.push(wait)
  }
  const most = mostFrequent(failures)
  if (most === undefined) return pastDeadline ? hangingTerminations(pods, now) : undefined
  const verb = failures.length === 1 ? 'fails' : 'fail'
  const count = `${failures.length} of ${counted(living.length, 'pod')}`
  const sentence = `${count} ${verb}${shareOf(most, failures)}: ${withPod(most)}`
  const waiting = waits.length > failures.length ? waitingFor(waits) : undefined
  return waiting === undefined ? sentence : `${sentence}; ${waits.length} more are ${waiting}`
}

/** The message of a failure. If it does not name the pod, a command for that pod is appended. */
const withPod = ({ message, pod = '' }: { message: string; pod?: string | undefined }) =>
  message.includes(nameOf(pod)) ? message : `${message}; see kubectl describe pod ${nameOf(pod)}`

/** The part of the failures that have the most common reason; empty if all have this reason. */
const shareOf = ({ count }: { count: number }, failures: Failure[]) =>
  count < failures.length ? `, ${count} of them with this reason` : ''

/** Describes why a living pod is not ready, or why a pod has failed; otherwise undefined. */
export function problemOfPod(pod: ObservedPod, now: string): string | undefined {
  const shorten = messageShortener()
  const failure = failureOf(pod, now, shorten)
  if (!isAlive(pod)) return pod.status?.phase === 'Failed' ? failure?.message : undefined
  return failure?.message ?? waitOf(pod, 1, shorten)?.failure
}

/**
 * Describes the most common cause of a wait. One observation cannot show whether a pod only needs
 * more time.
 */
export function waitingPods(pods: ObservedPod[], now: string): string | undefined {
  const shorten = messageShortener()
  const waits = pods.filter(isAlive).flatMap((pod) => waitOf(pod, pods.length, shorten) ?? [])
  return waitingFor(waits) ?? waitingFor(pods.flatMap((pod) => terminationOf(pod, now) ?? []))
}

/** The pods that do not end although their grace period is over. */
function hangingTerminations(pods: ObservedPod[], now: string): string | undefined {
  const hanging = pods.flatMap((pod) => terminationOf(pod, now) ?? [])
  const most = mostFrequent(hanging.map(({ reason, failure }) => ({ reason, message: failure })))
  return (
    most &&
    `${counted(most.count, 'old pod')} ${most.count === 1 ? 'does' : 'do'} not ${most.message}`
  )
}

/**
 * Describes why pods have ended, such as evicted pods. Kubernetes replaces these pods and may keep
 * them for long. So they are not a failure of the MyApp, but can explain a lack of progress.
 */
export function endedPods(pods: ObservedPod[], now: string): string | undefined {
  const shorten = messageShortener()
  const failures = pods
    .filter(({ status }) => status?.phase === 'Failed')
    .flatMap((pod) => failureOf(pod, now, shorten) ?? [])
  const most = mostFrequent(failures)
  return (
    most && `${counted(failures.length, 'pod')} ended${shareOf(most, failures)} (${most.message})`
  )
}

const waitingFor = (waits: Wait[]): string | undefined =>
  mostFrequent(
    waits.flatMap(({ reason, waitingFor }) =>
      waitingFor === undefined ? [] : [{ reason, message: `waiting for ${waitingFor}` }],
    ),
  )?.message

/** Whether a pod has not ended and is not being deleted. Otherwise another pod replaces it. */
export const isAlive = ({ metadata, status }: ObservedPod) =>
  metadata.deletionTimestamp === undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed'

/**
 * The most common reason, and the first pod by name that has it. If containers restart, the message
 * is that of this pod. Otherwise it is the first message in alphabetical order. So the result does
 * not change while pods restart in turn, and the order of the pods does not matter.
 */
function mostFrequent(
  failures: Failure[],
): { count: number; message: string; pod?: string | undefined } | undefined {
  const byReason = new Map<string, Failure[]>()
  for (const failure of failures) {
    const same = byReason.get(failure.reason)
    if (same === undefined) byReason.set(failure.reason, [failure])
    else same.push(failure)
  }
  const [, most = []] =
    [...byReason].sort(
      ([reasonA, a], [reasonB, b]) => b.length - a.length || reasonA.localeCompare(reasonB, 'en'),
    )[0] ?? []
  const [first] = most.toSorted((a, b) => compare(a.pod, b.pod) || compare(a.message, b.message))
  const [shown = first] =
    first?.restarts === undefined ? most.toSorted((a, b) => compare(a.message, b.message)) : []
  return first && shown && { count: most.length, message: shown.message, pod: first.pod }
}

const compare = (a = '', b = '') => a.localeCompare(b, 'en')

type Shorten = (message: string | undefined) => string

function failureOf(pod: ObservedPod, now: string, shorten: Shorten): Failure | undefined {
  const { metadata, spec, status = {} } = pod
  const scheduled = conditionOf(pod, 'PodScheduled')
  if (scheduled?.status === 'False' && scheduled.reason !== 'SchedulingGated') {
    const { reason = 'Unschedulable', message } = scheduled
    return {
      reason: 'Unschedulable',
      message: `not scheduled (${nameOf(reason)}): ${shorten(message)}`,
    }
  }
  if (status.phase === 'Failed' && status.reason !== undefined) {
    const reason = nameOf(status.reason)
    return { reason, message: `${reason}: ${shorten(status.message)}` }
  }
  const find = containersOf(spec)
  for (const status of statusesOf(pod)) {
    const failure = containerFailure(metadata.name, status, find(status.name), now, shorten)
    if (failure !== undefined) return failure
  }
  return undefined
}

/**
 * A container that crashes is mostly observed between two crashes: as terminated, or as running
 * again. Earlier restarts no longer count once the kubelet has reset the back-off.
 */
function containerFailure(
  pod: string,
  status: ContainerStatus,
  podContainer: PodContainer,
  now: string,
  shorten: Shorten,
): Failure | undefined {
  const { waiting } = status.state ?? {}
  const shown = `${podContainer.role} ${nameOf(status.name)}`
  const inState = (reason: string, message: string | undefined): Failure => ({
    reason,
    message: `${shown} is in ${reason}${message ? `: ${shorten(message)}` : ''}`,
  })
  if (
    waiting?.reason !== undefined &&
    waiting.reason !== 'CrashLoopBackOff' &&
    !startingReasons.includes(waiting.reason)
  ) {
    return inState(sameReason.get(waiting.reason) ?? nameOf(waiting.reason), waiting.message)
  }
  const ended = endOf(status)
  if (!isCrashing(status, ended, now)) return undefined
  // The termination message of a program can contain anything, so it is not shown. If the program
  // did not start, the message is that of the container runtime.
  const startError = sameReason.get(ended?.reason ?? '')
  if (startError !== undefined) return inState(startError, ended?.message)
  return ended?.reason === 'OOMKilled'
    ? outOfMemory(status, podContainer)
    : crash(pod, status, podContainer)
}

/** The last end of a container; undefined if it has not ended yet. */
const endOf = ({ state, lastState }: ContainerStatus) => state?.terminated ?? lastState?.terminated

function isCrashing(
  { ready, restartCount = 0, state = {} }: ContainerStatus,
  ended: ReturnType<typeof endOf>,
  now: string,
): boolean {
  if (state.waiting?.reason === 'CrashLoopBackOff') return true
  if (ended === undefined || ended.reason === lostContainer || ready) return false
  const { running } = state
  return running === undefined || (restartCount > 0 && isInBackOff(running.startedAt, now))
}

/** Whether a container that started at a time may still be in back-off. */
const isInBackOff = (startedAt: string | null | undefined, now: string) =>
  typeof startedAt !== 'string' || !(Date.parse(now) - Date.parse(startedAt) > backOffResetMs)

function outOfMemory(
  { name, restartCount = 0 }: ContainerStatus,
  { container, role }: PodContainer,
): Failure {
  const shown = `${role} ${nameOf(name)}`
  const owner = role === 'container' ? '' : ` of ${shown}`
  const isLimited = container === undefined || container.resources?.limits?.memory !== undefined
  const details = `(OOMKilled, ${counted(restartCount, 'restart')})`
  return {
    reason: 'OOMKilled',
    restarts: restartCount,
    message: isLimited
      ? `${shown} was killed for using more memory than its limit ${details}: ` +
        `raise resources.limits.memory${owner}`
      : `${shown} was killed because its node ran out of memory ${details}: ` +
        `raise resources.requests.memory${owner}, or set a limit`,
  }
}

function crash(pod: string, status: ContainerStatus, { container, role }: PodContainer): Failure {
  const { name, restartCount = 0 } = status
  const exitCode = endOf(status)?.exitCode
  const details = `last exit code ${exitCode ?? 'unknown'}, ${counted(restartCount, 'restart')}`
  const failure = (verb: string, advice: string): Failure => ({
    reason: 'CrashLoopBackOff',
    restarts: restartCount,
    message: `${role} ${nameOf(name)} ${verb} (CrashLoopBackOff, ${details}): ${advice}`,
  })
  const restartingProbes = (['startup', 'liveness'] as const)
    .flatMap((type) => probeText(type, container?.[`${type}Probe`]) ?? [])
    .join(' or its ')
  if (restartingProbes !== '' && exitCodesOfStopped.includes(exitCode ?? -1)) {
    return failure('keeps restarting', `it exits, or fails its ${restartingProbes}`)
  }
  if (exitCode === 0) {
    const owner = role === 'sidecar' ? 'a sidecar' : 'a MyApp'
    return failure('exits', `the program of ${owner} must keep running`)
  }
  const log = `kubectl logs ${nameOf(pod)} -c ${nameOf(name)}`
  return failure('crashes', `see its log with ${log}${restartCount > 0 ? ' --previous' : ''}`)
}

/** The cause that keeps a pod from being ready; undefined if the pod is ready. */
function waitOf(pod: ObservedPod, podCount: number, shorten: Shorten): Wait | undefined {
  const early = nodeWait(pod) ?? sandboxWait(pod, podCount) ?? initWait(pod)
  if (early !== undefined) return early
  const statuses = statusesOf(pod)
  const unready = statuses.find(({ ready, state }) => state?.running !== undefined && !ready)
  if (unready !== undefined) return probeWait(unready, containersOf(pod.spec)(unready.name))
  if (statuses.some(({ state }) => startingReasons.includes(state?.waiting?.reason ?? ''))) {
    return {
      reason: 'ContainersStarting',
      waitingFor: undefined,
      failure: `its containers do not start: ${describe(pod)}`,
    }
  }
  return readyWait(pod, shorten)
}

const statusesOf = ({ status = {} }: ObservedPod): ContainerStatus[] => [
  ...(status.initContainerStatuses ?? []),
  ...(status.containerStatuses ?? []),
]

const conditionOf = ({ status }: ObservedPod, type: string) =>
  status?.conditions?.find((condition) => condition.type === type)

const describe = ({ metadata }: ObservedPod) => `see kubectl describe pod ${metadata.name}`

const nodeOf = ({ spec }: ObservedPod) =>
  spec?.nodeName === undefined ? 'its node' : `node ${nameOf(spec.nodeName)}`

/** A wait for the scheduler, or for the kubelet to notice the pod. */
function nodeWait(pod: ObservedPod): Wait | undefined {
  const { spec = {} } = pod
  if (statusesOf(pod).length > 0) return undefined
  if (spec.nodeName === undefined) {
    if (conditionOf(pod, 'PodScheduled')?.reason === 'SchedulingGated') return gatesOf(spec)
    const wait = 'the scheduler to assign a node'
    const failure = `waiting for ${wait}: ${describe(pod)}`
    return { reason: 'NotScheduled', waitingFor: wait, failure }
  }
  if (conditionOf(pod, 'PodReadyToStartContainers') !== undefined) return undefined
  const wait = `${nodeOf(pod)} to start the pod`
  const failure = `waiting for ${wait}; the node may be lost: ${describe(pod)}`
  return { reason: 'NotStarted', waitingFor: wait, failure }
}

/** A wait for the volumes or the network of a pod. */
function sandboxWait(pod: ObservedPod, podCount: number): Wait | undefined {
  if (conditionOf(pod, 'PodReadyToStartContainers')?.status !== 'False') return undefined
  const hasClaim = pod.spec?.volumes?.some((volume) => volume.persistentVolumeClaim !== undefined)
  const hint =
    hasClaim && podCount > 1
      ? '; a ReadWriteOnce claim can be attached to one node only (Multi-Attach)'
      : ''
  return {
    reason: 'NotReadyToStart',
    waitingFor: `volumes or network of the pod: ${describe(pod)}${hint}`,
    failure: `its volumes or network are not ready: ${describe(pod)}${hint}`,
  }
}

/** A wait for an init container to complete, or for a sidecar to start. */
function initWait({ spec, status = {} }: ObservedPod): Wait | undefined {
  const find = containersOf(spec)
  const init = status.initContainerStatuses?.find(
    ({ name, started, state }) =>
      state?.running !== undefined && !(started && find(name).role === 'sidecar'),
  )
  if (init === undefined) return undefined
  const { role, container } = find(init.name)
  const shown = `${role} ${nameOf(init.name)}`
  const probe = probeText('startup', container?.startupProbe)
  const start = probe === undefined ? 'start' : `pass its ${probe}`
  const goal = role === 'sidecar' ? start : 'complete'
  return {
    reason: 'InitContainer',
    waitingFor: `${shown} to ${goal}`,
    failure: `${shown} runs but does not ${goal}`,
  }
}

/** A wait for condition Ready of a pod whose containers are ready. */
function readyWait(pod: ObservedPod, shorten: Shorten): Wait | undefined {
  const ready = conditionOf(pod, 'Ready')
  const { containerStatuses = [] } = pod.status ?? {}
  if (ready === undefined || ready.status === 'True' || containerStatuses.length === 0) {
    return undefined
  }
  if (ready.reason === 'ReadinessGatesNotReady') {
    const message = shorten(ready.message)
    return {
      reason: 'ReadinessGates',
      waitingFor: `the readiness gates of the pod: ${message}`,
      failure: `its readiness gates are not ready: ${message}`,
    }
  }
  const details = ready.message ? `: ${shorten(ready.message)}` : '; the node may be lost'
  return {
    reason: 'NotReady',
    waitingFor: `${nodeOf(pod)} to report the pod as ready${details}`,
    failure: `${nodeOf(pod)} does not report the pod as ready${details}`,
  }
}

/** A wait for scheduling gates. The program that set them, such as a queue, removes them. */
function gatesOf({ schedulingGates = [] }: PodSpec): Wait {
  const names = schedulingGates.map(({ name }) => nameOf(name)).sort()
  const wait = `scheduling ${names.length === 1 ? 'gate' : 'gates'} ${listed(names)} to be removed`
  return { reason: 'SchedulingGated', waitingFor: wait, failure: `waiting for ${wait}` }
}

/** A pod that still exists after its grace period. */
function terminationOf({ metadata, spec = {} }: ObservedPod, now: string): Wait | undefined {
  const { name, deletionTimestamp, finalizers = [] } = metadata
  const overdue = Date.parse(now) - Date.parse(deletionTimestamp ?? '')
  if (!(overdue > maxRemovalDelayMs)) return undefined
  const cause =
    finalizers.length > 0
      ? `it has ${finalizers.length === 1 ? 'finalizer' : 'finalizers'} ` +
        `${listed(finalizers.map(nameOf))}`
      : `node ${nameOf(spec.nodeName ?? 'unknown')} may be lost`
  const end = `terminate: ${cause}, see kubectl describe pod ${nameOf(name)}`
  return { reason: 'Terminating', waitingFor: `an old pod to ${end}`, failure: end }
}

type Role = 'container' | 'init container' | 'sidecar'

/** A container of a pod and its role there. */
interface PodContainer {
  container: Container | undefined
  role: Role
}

/** Indexes the containers of a pod, and returns the function that finds one by its name. */
function containersOf({ containers = [], initContainers = [] }: PodSpec = {}) {
  const known = new Map<string, PodContainer>()
  for (const container of containers) known.set(container.name, { container, role: 'container' })
  for (const container of initContainers) {
    const role = container.restartPolicy === 'Always' ? 'sidecar' : 'init container'
    known.set(container.name, { container, role })
  }
  return (name: string): PodContainer =>
    known.get(name) ?? { container: undefined, role: 'container' }
}

/** A wait for the probe that decides the readiness of a running container. */
function probeWait(
  { name, started }: ContainerStatus,
  { container, role }: PodContainer,
): Wait | undefined {
  const probe =
    (started === false ? probeText('startup', container?.startupProbe) : undefined) ??
    probeText('readiness', container?.readinessProbe)
  if (probe === undefined) return undefined
  const shown = `${role} ${nameOf(name)}`
  return {
    reason: 'ContainersNotReady',
    waitingFor: `${shown} to pass its ${probe}`,
    failure: `${shown} runs but does not pass its ${probe}`,
  }
}

function probeText(type: string, probe: Probe | undefined): string | undefined {
  if (probe === undefined) return undefined
  const { httpGet, tcpSocket, grpc } = probe
  if (httpGet) {
    const path = truncated(httpGet.path ?? '/', maxNameLength)
    return `${type} probe (${httpGet.scheme ?? 'HTTP'} GET ${path} on port ${httpGet.port})`
  }
  if (tcpSocket) return `${type} probe (TCP on port ${tcpSocket.port})`
  return `${type} probe${grpc ? ` (gRPC on port ${grpc.port})` : ''}`
}

const nameOf = (text: string) => truncated(text, maxNameLength)

/** Shortens messages of a scheduler, kubelet or runtime. Each distinct message is read once. */
function messageShortener(): Shorten {
  const known = new Map<string, string>()
  return (message = '') => {
    const text = message.slice(0, maxReadLength)
    const shortened = known.get(text) ?? shortMessage(text)
    known.set(text, shortened)
    return shortened
  }
}

/**
 * A message on one line, without parts that differ between pods and attempts. The expressions take
 * time linear in the length of the text.
 */
function shortMessage(text: string): string {
  const line = text
    .replace(/^Back-off pulling image "[^"]*": ErrImagePull: /, '')
    .replace(/^failed to create .* unable to start container process: /s, '')
    .replace(/ \(pod: "[^"]*", container: [^()]*\)$/, '')
    .replace(/: unknown$/, '')
    .replace(/[. ]{1,2}(no new claims to deallocate, )?preemption: .*$/s, '')
    .replace(/:\d{1,5}->/g, '->')
    .replace(/\s+/g, ' ')
  return truncated(line, maxShownLength)
}
