import type { ObservedPod } from '../request.ts'

type ContainerStatus = NonNullable<NonNullable<ObservedPod['status']>['containerStatuses']>[number]
type Container = NonNullable<NonNullable<ObservedPod['spec']>['containers']>[number]
type Probe = NonNullable<Container['readinessProbe']>

/** Why a pod does not do its work: a reason as Kubernetes names it, and the sentence part for it. */
interface Failure {
  reason: string
  words: string
  restarts?: number
}

/** Every container waits for these once. */
const starting = ['ContainerCreating', 'PodInitializing']

/** Kubelet tries, waits, and tries again: what it says in turns is one thing, and is given one name. */
const sameAs: Record<string, string> = {
  ErrImagePull: 'ImagePullBackOff',
  StartError: 'RunContainerError',
  ContainerCannotRun: 'RunContainerError',
}

/** What a program exits with that was told to end, or was killed. */
const exitCodesFromOutside = [0, 137, 143]

/** Enough of a message that somebody else wrote. */
const longestMessage = 400

/**
 * Why pods fail, in one sentence: how many of them, and the reason that most have, with its container and what helps to
 * mend it. Undefined where none fails. A pod that is only starting does not fail, unless it has had time enough.
 */
export function podFailure(pods: ObservedPod[], hadTime = false): string | undefined {
  const all = pods.filter(isLiving)
  const most = mostOf(all.map((pod) => failureOf(pod) ?? (hadTime ? failedCheck(pod) : undefined)))
  return (
    most &&
    `${most.count} of ${all.length} ${all.length === 1 ? 'pod' : 'pods'} ${most.count === 1 ? 'fails' : 'fail'}: ${most.words}`
  )
}

/**
 * The check that pods which run have not passed, as something to wait for: whether they are only starting, or never
 * will pass it, can't be seen at one moment.
 */
export function awaitedCheck(pods: ObservedPod[]): string | undefined {
  const most = mostOf(
    pods.filter(isLiving).map((pod) => {
      const awaited = unpassedCheck(pod)
      return (
        awaited && {
          reason: '',
          words: `waiting for container ${awaited.container} to pass its ${awaited.check}`,
        }
      )
    }),
  )
  return most?.words
}

/**
 * Why pods have ended for good, as an evicted one has. Others took their place, and they can lie about for long: that they
 * are there is not a failure of what is to run, but may be why it does not get on.
 */
export function endedPods(pods: ObservedPod[]): string | undefined {
  const most = mostOf(pods.filter((pod) => pod.status?.phase === 'Failed').map(failureOf))
  return most && `${most.count} ${most.count === 1 ? 'pod has' : 'pods have'} ended (${most.words})`
}

/** A pod that has ended is not among those that are to run: another one takes its place. */
const isLiving = ({ metadata, status }: ObservedPod) =>
  metadata.deletionTimestamp === undefined &&
  status?.phase !== 'Succeeded' &&
  status?.phase !== 'Failed'

/** The failure that most pods have, whatever their order; in the words for the one that was restarted most often. */
function mostOf(all: Array<Failure | undefined>): { count: number; words: string } | undefined {
  const byReason = Map.groupBy(
    all.filter((failure) => failure !== undefined),
    ({ reason }) => reason,
  )
  const [most] = [...byReason.values()].sort(
    (a, b) => b.length - a.length || (a[0]?.reason ?? '').localeCompare(b[0]?.reason ?? ''),
  )
  const [first] =
    most?.sort((a, b) => (b.restarts ?? 0) - (a.restarts ?? 0) || a.words.localeCompare(b.words)) ??
    []
  return first && { count: most?.length ?? 0, words: first.words }
}

function failureOf({ spec, status = {} }: ObservedPod): Failure | undefined {
  const unscheduled = status.conditions?.find(
    ({ type, status }) => type === 'PodScheduled' && status === 'False',
  )
  if (unscheduled !== undefined) {
    return {
      reason: 'Unschedulable',
      words: `no node takes it (${unscheduled.reason ?? 'Unschedulable'}): ${said(unscheduled.message)}`,
    }
  }
  if (status.phase === 'Failed' && status.reason !== undefined) {
    return { reason: status.reason, words: `${status.reason}: ${said(status.message)}` }
  }
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  return containers
    .map((container) =>
      containerFailure(
        container,
        spec?.containers?.find(({ name }) => name === container.name),
      ),
    )
    .find((failure) => failure !== undefined)
}

/**
 * A container that crashes is mostly shown as ended with an error and a growing number of restarts, not as waiting in
 * CrashLoopBackOff: go by both.
 */
function containerFailure(
  { name, ready, restartCount = 0, state = {}, lastState = {} }: ContainerStatus,
  container?: Container,
): Failure | undefined {
  const { waiting, running } = state
  const ended = state.terminated ?? lastState.terminated
  const inState = (reason: string, message: string | undefined) => ({
    reason,
    words: `container ${name} is in ${reason}${message ? `: ${said(message)}` : ''}`,
  })
  if (
    waiting?.reason !== undefined &&
    waiting.reason !== 'CrashLoopBackOff' &&
    !starting.includes(waiting.reason)
  ) {
    return inState(sameAs[waiting.reason] ?? waiting.reason, waiting.message)
  }
  const failed =
    waiting?.reason === 'CrashLoopBackOff' ||
    (ended !== undefined && !ready && (running === undefined || restartCount > 0))
  if (!failed) return undefined
  // A program that never started has said nothing: these are the words of what was to start it. Others' last words can hold anything.
  if (ended?.reason !== undefined && sameAs[ended.reason] !== undefined) {
    return inState(sameAs[ended.reason] ?? ended.reason, ended.message)
  }
  const restarts = `${restartCount} ${restartCount === 1 ? 'restart' : 'restarts'}`
  if (ended?.reason === 'OOMKilled') {
    return {
      reason: 'OOMKilled',
      restarts: restartCount,
      words: `container ${name} was ended for using more memory than its limit (OOMKilled, ${restarts}): raise resources.limits.memory`,
    }
  }
  const crash = (what: string, advice: string) => ({
    reason: 'CrashLoopBackOff',
    restarts: restartCount,
    words: `container ${name} ${what} (CrashLoopBackOff, last exit code ${ended?.exitCode ?? 'unknown'}, ${restarts}): ${advice}`,
  })
  const killer = (['startup', 'liveness'] as const)
    .map((check) => described(check, container?.[`${check}Probe`]))
    .filter((check) => check !== undefined)
    .join(' or its ')
  if (killer !== '' && exitCodesFromOutside.includes(ended?.exitCode ?? -1)) {
    return crash(
      'is restarted again and again',
      `it ends by itself, or does not pass its ${killer}`,
    )
  }
  return ended?.exitCode === 0
    ? crash('ends by itself', 'what a MyApp runs has to keep running')
    : crash('crashes', 'see its log')
}

function failedCheck(pod: ObservedPod): Failure | undefined {
  const failed = unpassedCheck(pod)
  return (
    failed && {
      reason: 'ContainersNotReady',
      words: `container ${failed.container} runs but does not pass its ${failed.check}`,
    }
  )
}

/** The first container of a pod that runs and is not ready, with the check that says so. */
function unpassedCheck({
  spec,
  status = {},
}: ObservedPod): { container: string; check: string } | undefined {
  const unready = status.containerStatuses?.find(
    ({ ready, state }) => state?.running !== undefined && !ready,
  )
  const container = spec?.containers?.find(({ name }) => name === unready?.name)
  const check =
    (unready?.started === false ? described('startup', container?.startupProbe) : undefined) ??
    described('readiness', container?.readinessProbe)
  return container && check ? { container: container.name, check } : undefined
}

function described(check: string, probe: Probe | undefined): string | undefined {
  if (probe === undefined) return undefined
  const { httpGet, tcpSocket, grpc } = probe
  if (httpGet) {
    return `${check} check (${httpGet.scheme ?? 'HTTP'} GET ${httpGet.path ?? '/'} on port ${httpGet.port})`
  }
  if (tcpSocket) return `${check} check (TCP on port ${tcpSocket.port})`
  return `${check} check${grpc ? ` (gRPC on port ${grpc.port})` : ''}`
}

/** A message of the scheduler, the kubelet or a runtime in one line, without what differs from pod to pod and from try to try. */
function said(message = ''): string {
  const line = message
    .replace(/^Back-off pulling image "[^"]*": ErrImagePull: /, '')
    .replace(/^failed to create .* unable to start container process: /s, '')
    .replace(/ \(pod: "[^"]*", container: [^)]*\)$/, '')
    .replace(/(: unknown|[. ]+(no new claims to deallocate, )?preemption: .*)$/s, '')
    .replace(/:\d+->/g, '->')
    .replace(/\s+/g, ' ')
  return line.length > longestMessage ? `${line.slice(0, longestMessage)}…` : line
}
