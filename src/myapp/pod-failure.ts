import type { ObservedPod } from './request.ts'

type ContainerStatus = NonNullable<NonNullable<ObservedPod['status']>['containerStatuses']>[number]

/** Why a pod does not do its work: a reason as Kubernetes names it, and the sentence part for it. */
interface Failure { reason: string, words: string }

/** What the kubelet says in these cases names images, keys and objects, so it may be passed on; a program's last words may not. */
const withMessage = ['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']

/**
 * Why pods fail, in one sentence: how many of them, and the reason that most have, with its container and what helps to
 * mend it. Undefined where none fails. A pod that is only starting does not fail.
 */
export function podFailure (pods: ObservedPod[]): string | undefined {
  const living = pods.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded')
  const failures = living.map(failureOf).filter((failure) => failure !== undefined)
  const byReason = Map.groupBy(failures, ({ reason }) => reason)
  const [most] = [...byReason.values()].sort((a, b) => b.length - a.length || (a[0]?.reason ?? '').localeCompare(b[0]?.reason ?? ''))
  const words = most?.map(({ words }) => words).sort()[0]
  return words === undefined ? undefined : `${most?.length} of ${living.length} ${living.length === 1 ? 'pod' : 'pods'} ${most?.length === 1 ? 'fails' : 'fail'}: ${words}`
}

function failureOf ({ status = {} }: ObservedPod): Failure | undefined {
  const unscheduled = status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined) return { reason: 'Unschedulable', words: `no node takes it (${unscheduled.reason ?? 'Unschedulable'}): ${unscheduled.message ?? ''}` }
  if (status.phase === 'Failed' && status.reason !== undefined) return { reason: status.reason, words: `${status.reason}: ${status.message ?? ''}` }
  const containers = [...status.initContainerStatuses ?? [], ...status.containerStatuses ?? []]
  return containers.map(containerFailure).find((failure) => failure !== undefined)
}

/**
 * A container that crashes is mostly shown as ended with an error and a growing number of restarts, not as waiting in
 * CrashLoopBackOff: go by both.
 */
function containerFailure ({ name, ready, restartCount = 0, state = {}, lastState = {} }: ContainerStatus): Failure | undefined {
  const { waiting, running } = state
  const ended = state.terminated ?? lastState.terminated
  if (waiting?.reason !== undefined && withMessage.includes(waiting.reason)) {
    return { reason: waiting.reason, words: `container ${name} is in ${waiting.reason}${waiting.message ? `: ${waiting.message}` : ''}` }
  }
  const restarts = `${restartCount} ${restartCount === 1 ? 'restart' : 'restarts'}`
  if (ended?.reason === 'OOMKilled' && !ready) return { reason: 'OOMKilled', words: `container ${name} was ended for using more memory than its limit (OOMKilled, ${restarts}): raise resources.limits.memory` }
  const crashed = waiting?.reason === 'CrashLoopBackOff' || (ended !== undefined && !ready && (running === undefined || restartCount > 0))
  if (crashed) return { reason: 'CrashLoopBackOff', words: `container ${name} crashes (CrashLoopBackOff, last exit code ${ended?.exitCode ?? 'unknown'}, ${restarts}): see its log` }
  return undefined
}
