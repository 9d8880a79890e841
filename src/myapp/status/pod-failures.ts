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
}

/** The cause of a wait, and the text for a wait that has become a failure. */
interface Wait {
  reason: string
  /** Undefined if the wait is not worth reporting, because every pod has it once. */
  waitingFor: string | undefined
  failure: string
}

/** Every container is in one of these states before it starts. */
const startingReasons = ['ContainerCreating', 'PodInitializing']

/** The kubelet tries, waits and tries again. It has several reasons for one failure. */
const sameReason = new Map([
  ['ErrImagePull', 'ImagePullBackOff'],
  ['StartError', 'RunContainerError'],
  ['ContainerCannotRun', 'RunContainerError'],
])

/** The reason of a container that the kubelet no longer found, as after a restart of the node. */
const lostContainer = 'ContainerStatusUnknown'

/** The exit codes of a program that was stopped or killed from outside. */
const exitCodesOfStopped = [0, 137, 143]

/** The kubelet forgets the restarts of a container that has run for this long, in ms. */
const backOffReset = 10 * 60 * 1000

/** A kubelet that works removes a pod this soon after its grace period, in ms. */
const terminationPatience = 30 * 1000

/** The lengths of the examined and of the shown part of a foreign message, in characters. */
const maxReadLength = 2000
const maxShownLength = 400
/** The longest foreign reason or name that is shown, in characters. */
const maxNameLength = 253

/**
 * Describes failing pods in one sentence: their number and the most common reason. Undefined if no
 * pod fails. A pod that is starting does not fail before the progress deadline. `now` is the time
 * at which the pods were observed.
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
    if (failure !== undefined) failures.push(failure)
    else if (wait !== undefined && pastDeadline) {
      failures.push({ reason: wait.reason, message: wait.failure })
    } else if (wait?.waitingFor !== undefined) waits.push(wait)
  }
  const most = mostFrequent(failures)
  if (most === undefined) return pastDeadline ? hangingTerminations(pods, now) : undefined
  const verb = failures.length === 1 ? 'fails' : 'fail'
  const share = most.count < failures.length ? `, ${most.count} of them` : ''
  const count = `${failures.length} of ${counted(living.length, 'pod')}`
  const sentence = `${count} ${verb}${share}: ${most.message}`
  const waiting = waits.length > failures.length ? waitingFor(waits) : undefined
  return waiting === undefined ? sentence : `${sentence}; ${waits.length} more are ${waiting}`
}

/**
 * The cause for which most pods wait that do not fail. One observation cannot show whether a pod
 * only needs more time.
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
 * Describes why pods have ended, such as evicted pods. They are replaced, and may stay for long. So
 * they are not a failure of the MyApp, but can be the reason for a lack of progress.
 */
export function endedPods(pods: ObservedPod[], now: string): string | undefined {
  const shorten = messageShortener()
  const most = mostFrequent(
    pods
      .filter(({ status }) => status?.phase === 'Failed')
      .flatMap((pod) => failureOf(pod, now, shorten) ?? []),
  )
  return most && `${counted(most.count, 'pod')} ended (${most.message})`
}

const waitingFor = (waits: Wait[]): string | undefined =>
  mostFrequent(
    waits.flatMap(({ reason, waitingFor }) =>
      waitingFor === undefined ? [] : [{ reason, message: `waiting for ${waitingFor}` }],
    ),
  )?.message

/** A pod that is deleted or has ended is replaced by another one. */
export const isAlive = ({ metadata, status }: ObservedPod) =>
  metadata.deletionTimestamp === undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed'

/**
 * The most common reason, with the message of the pod with most restarts. The order of the pods
 * does not matter.
 */
function mostFrequent(failures: Failure[]): { count: number; message: string } | undefined {
  const groups = [...Map.groupBy(failures, ({ reason }) => reason)].sort(
    ([reasonA, a], [reasonB, b]) => b.length - a.length || reasonA.localeCompare(reasonB, 'en'),
  )
  const [, most = []] = groups[0] ?? []
  const [first] = most.toSorted(
    (a, b) => (b.restarts ?? 0) - (a.restarts ?? 0) || a.message.localeCompare(b.message, 'en'),
  )
  return first && { count: most.length, message: first.message }
}

type Shorten = (message: string | undefined) => string

function failureOf(
  { metadata, spec = {}, status = {} }: ObservedPod,
  now: string,
  shorten: Shorten,
): Failure | undefined {
  const unscheduled = status.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  if (unscheduled !== undefined && unscheduled.reason !== 'SchedulingGated') {
    const { reason = 'Unschedulable', message } = unscheduled
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
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  for (const status of statuses) {
    const failure = containerFailure(metadata.name, status, find(status.name), now, shorten)
    if (failure !== undefined) return failure
  }
  return undefined
}

/**
 * A container that crashes is mostly observed between two crashes: as terminated, or as running
 * again. When the kubelet forgets its restarts, they are ignored here too.
 */
function containerFailure(
  pod: string,
  { name, ready, restartCount = 0, state = {}, lastState = {} }: ContainerStatus,
  { container, role }: PodContainer,
  now: string,
  shorten: Shorten,
): Failure | undefined {
  const { waiting, running } = state
  const ended = state.terminated ?? lastState.terminated
  const shown = `${role} ${nameOf(name)}`
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
  const isRestarted = running !== undefined && restartCount > 0 && isNews(running.startedAt, now)
  const isCrashing =
    waiting?.reason === 'CrashLoopBackOff' ||
    (ended !== undefined &&
      ended.reason !== lostContainer &&
      !ready &&
      (running === undefined || isRestarted))
  if (!isCrashing) return undefined
  // The last message of a program may contain anything. Before its first run it is the runtime's.
  const startError = sameReason.get(ended?.reason ?? '')
  if (startError !== undefined) return inState(startError, ended?.message)
  const restarts = counted(restartCount, 'restart')
  if (ended?.reason === 'OOMKilled') {
    return {
      reason: 'OOMKilled',
      restarts: restartCount,
      message:
        `${shown} was killed for using more memory than its limit ` +
        `(OOMKilled, ${restarts}): raise resources.limits.memory`,
    }
  }
  const details = `last exit code ${ended?.exitCode ?? 'unknown'}, ${restarts}`
  const crash = (what: string, advice: string): Failure => ({
    reason: 'CrashLoopBackOff',
    restarts: restartCount,
    message: `${shown} ${what} (CrashLoopBackOff, ${details}): ${advice}`,
  })
  const restartingProbes = (['startup', 'liveness'] as const)
    .flatMap((type) => probeText(type, container?.[`${type}Probe`]) ?? [])
    .join(' or its ')
  if (restartingProbes !== '' && exitCodesOfStopped.includes(ended?.exitCode ?? -1)) {
    return crash('keeps restarting', `it exits, or fails its ${restartingProbes}`)
  }
  return ended?.exitCode === 0
    ? crash(
        'exits',
        `the program of ${role === 'sidecar' ? 'a sidecar' : 'a MyApp'} must keep running`,
      )
    : crash(
        'crashes',
        `see its log with kubectl logs ${nameOf(pod)} -c ${nameOf(name)}` +
          (restartCount > 0 ? ' --previous' : ''),
      )
}

/** Whether a container that started at a time may still be in back-off. */
const isNews = (startedAt: string | null | undefined, now: string) =>
  typeof startedAt !== 'string' || !(Date.parse(now) - Date.parse(startedAt) > backOffReset)

/** The cause that keeps a pod from being ready; undefined if the pod is ready. */
function waitOf(pod: ObservedPod, podCount: number, shorten: Shorten): Wait | undefined {
  const { spec = {}, status = {} } = pod
  const { conditions = [], containerStatuses = [], initContainerStatuses = [] } = status
  const condition = (type: string) => conditions.find((condition) => condition.type === type)
  const describe = `see kubectl describe pod ${pod.metadata.name}`

  const statuses = [...initContainerStatuses, ...containerStatuses]
  if (spec.nodeName === undefined && statuses.length === 0) {
    if (condition('PodScheduled')?.reason === 'SchedulingGated') return gatesOf(spec)
    const wait = 'the scheduler to assign a node'
    return { reason: 'NotScheduled', waitingFor: wait, failure: `waiting for ${wait}: ${describe}` }
  }
  const node = spec.nodeName === undefined ? 'its node' : `node ${nameOf(spec.nodeName)}`
  if (statuses.length === 0 && condition('PodReadyToStartContainers') === undefined) {
    const wait = `${node} to start the pod`
    return {
      reason: 'NotStarted',
      waitingFor: wait,
      failure: `waiting for ${wait}, which may be lost: ${describe}`,
    }
  }
  if (condition('PodReadyToStartContainers')?.status === 'False') {
    const hasClaim = spec.volumes?.some((volume) => volume.persistentVolumeClaim !== undefined)
    const hint =
      hasClaim && podCount > 1
        ? '; a ReadWriteOnce claim can be attached to one node only (Multi-Attach)'
        : ''
    const wait = `volumes or network of the pod: ${describe}${hint}`
    return {
      reason: 'NotReadyToStart',
      waitingFor: wait,
      failure: `its volumes or network are not ready: ${describe}${hint}`,
    }
  }
  const find = containersOf(spec)
  const init = initContainerStatuses.find(
    ({ name, started, state }) =>
      state?.running !== undefined && !(started && find(name).role === 'sidecar'),
  )
  if (init !== undefined) {
    const { role, container } = find(init.name)
    const shown = `${role} ${nameOf(init.name)}`
    const probe = probeText('startup', container?.startupProbe)
    const end =
      role === 'sidecar' ? (probe === undefined ? 'start' : `pass its ${probe}`) : 'complete'
    return {
      reason: 'InitContainer',
      waitingFor: `${shown} to ${end}`,
      failure: `${shown} runs but does not ${end}`,
    }
  }
  const unready = statuses.find(({ ready, state }) => state?.running !== undefined && !ready)
  if (unready !== undefined) return notReady(unready, find(unready.name))
  if (statuses.some(({ state }) => startingReasons.includes(state?.waiting?.reason ?? ''))) {
    return {
      reason: 'ContainersStarting',
      waitingFor: undefined,
      failure: `its containers do not start: ${describe}`,
    }
  }
  const ready = condition('Ready')
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
  const details = ready.message ? `: ${shorten(ready.message)}` : ', which may be lost'
  return {
    reason: 'NotReady',
    waitingFor: `${node} to report the pod as ready${details}`,
    failure: `${node} does not report the pod as ready${details}`,
  }
}

/** The program that set the gates of a pod, such as a queue, removes them to schedule the pod. */
function gatesOf({ schedulingGates = [] }: PodSpec): Wait {
  const names = schedulingGates.map(({ name }) => nameOf(name)).sort()
  const wait = `scheduling ${names.length === 1 ? 'gate' : 'gates'} ${listed(names)} to be removed`
  return { reason: 'SchedulingGated', waitingFor: wait, failure: `waiting for ${wait}` }
}

/** A pod that still exists after its grace period. */
function terminationOf({ metadata, spec = {} }: ObservedPod, now: string): Wait | undefined {
  const { name, deletionTimestamp, finalizers = [] } = metadata
  const overdue = Date.parse(now) - Date.parse(deletionTimestamp ?? '')
  if (!(overdue > terminationPatience)) return undefined
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
function containersOf({ containers = [], initContainers = [] }: PodSpec) {
  const known = new Map<string, PodContainer>()
  for (const container of containers) known.set(container.name, { container, role: 'container' })
  for (const container of initContainers) {
    const role = container.restartPolicy === 'Always' ? 'sidecar' : 'init container'
    known.set(container.name, { container, role })
  }
  return (name: string): PodContainer =>
    known.get(name) ?? { container: undefined, role: 'container' }
}

/** The cause for which a running container waits, from the probe that decides its readiness. */
function notReady(
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
