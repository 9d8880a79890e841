import { annotationKeyPattern, labelKeyPattern, labelValuePattern } from './pod-schema.ts'
import { thousandthsOf } from './quantity.ts'
import { envMaxCharacters, type MyAppSpec } from './schema.ts'

/** Something that is wrong with a MyApp: where it is, and what, in words. */
export interface Problem {
  path: Array<string | number>
  message: string
  /** The name of a field that does not belong there, which is for `path` to have. */
  stray?: string
}

/** What fits the schema field by field and not as a whole. */
export function brokenRules (spec: MyAppSpec): Problem[] {
  return [...envProblems(spec.env ?? []), ...volumeProblems(spec.volumes ?? []), ...resourceProblems(spec.resources), ...probeProblems(spec.probes), ...labelProblems(spec), ...contradictions(spec)]
}

function envProblems (env: NonNullable<MyAppSpec['env']>): Problem[] {
  const characters = env.reduce((sum, { name, value = '' }) => sum + [...name].length + [...value].length, 0)
  return [
    ...twice(['env'], names(env)),
    ...characters > envMaxCharacters ? [problem(['env'], `names and values have ${characters} characters in all, more than the ${envMaxCharacters} that fit`)] : [],
    ...env.flatMap(({ value, valueFrom }, index) => value && valueFrom ? [problem(['env', index], 'value and valueFrom are both given')] : []),
  ]
}

/** Values of a field that an item of a list before has already. */
function twice (list: string[], values: string[], field = 'name'): Problem[] {
  const known = new Set<string>()
  return values.flatMap((value, index) => known.size === known.add(value).size ? [problem([...list, index, field], `${JSON.stringify(value)} is there twice`)] : [])
}

const names = (items: Array<{ name: string }> = []) => items.map(({ name }) => name)

function volumeProblems (volumes: NonNullable<MyAppSpec['volumes']>): Problem[] {
  return [...twice(['volumes'], names(volumes)), ...twice(['volumes'], volumes.map(({ mountPath }) => mountPath), 'mountPath')]
}

function resourceProblems ({ requests = {}, limits = {} }: NonNullable<MyAppSpec['resources']> = {}): Problem[] {
  return (['cpu', 'memory', 'ephemeral-storage'] as const).flatMap((resource) => {
    const { [resource]: request = 0 } = requests
    const { [resource]: limit = request } = limits
    return thousandthsOf(request) > thousandthsOf(limit) ? [problem(['resources', 'requests', resource], `${request} is more than the limit, ${limit}`)] : []
  })
}

function probeProblems (probes: NonNullable<MyAppSpec['probes']> = {}): Problem[] {
  return (['startup', 'liveness'] as const).flatMap((check) => (probes[check]?.successThreshold ?? 1) === 1 ? [] : [problem(['probes', check, 'successThreshold'], 'it can only be 1 here')])
}

function labelProblems ({ podLabels, nodeSelector, podAnnotations }: MyAppSpec): Problem[] {
  const wrongKeys = (field: string, all: Record<string, string> = {}, pattern: string, what: string) => Object.keys(all).filter((key) => !new RegExp(pattern).test(key))
    .map((key) => problem([field, key], `its name is not one for ${what}: use letters, digits, "-", "_" and ".", and before a "/" a domain`))
  const wrongValues = (field: string, all: Record<string, string> = {}) => Object.keys(all).filter((key) => !new RegExp(labelValuePattern).test(all[key] ?? ''))
    .map((key) => problem([field, key], 'its value is not one for a label: use at most 63 letters, digits, "-", "_" and "."'))
  return [
    ...Object.entries({ podLabels, nodeSelector }).flatMap(([field, all]) => [...wrongKeys(field, all, labelKeyPattern, 'a label'), ...wrongValues(field, all)]),
    ...wrongKeys('podAnnotations', podAnnotations, annotationKeyPattern, 'an annotation'),
  ]
}

function contradictions (spec: MyAppSpec): Problem[] {
  const { podSecurity, securityContext, containerSecurityContext, expose, ingress, gateway, minReadySeconds = 0, progressDeadlineSeconds = 600, strategy } = spec
  return [
    ...(securityContext || containerSecurityContext) && podSecurity !== 'Custom' ? [problem(['podSecurity'], 'securityContext and containerSecurityContext go with podSecurity Custom only')] : [],
    ...expose === false && (ingress || gateway) ? [problem(['expose'], 'ingress and gateway need a Service, and expose is false')] : [],
    ...minReadySeconds >= progressDeadlineSeconds ? [problem(['minReadySeconds'], `${minReadySeconds} is not less than progressDeadlineSeconds, ${progressDeadlineSeconds}`)] : [],
    ...autoscalingProblems(spec.autoscaling),
    ...twice(['gateway', 'parentRefs'], names(gateway?.parentRefs)).map(({ path, message }) => ({ path, message: `${message}; without a sectionName it stands for all of its listeners` })),
    ...strategy?.rollingUpdate && strategy.type !== 'RollingUpdate' ? [problem(['strategy', 'rollingUpdate'], 'it goes with type RollingUpdate only')] : [],
    ...(['from', 'to'] as const).flatMap((side) => (spec.networkPolicy?.[side] ?? []).flatMap(({ app, namespace }, index) =>
      app === undefined && namespace === undefined ? [problem(['networkPolicy', side, index], 'app or namespace is to be given')] : [])),
  ]
}

function autoscalingProblems (autoscaling: MyAppSpec['autoscaling']): Problem[] {
  if (autoscaling === undefined) return []
  const { minReplicas = 1, maxReplicas, metrics = [] } = autoscaling
  return [
    ...minReplicas > maxReplicas ? [problem(['autoscaling', 'minReplicas'], `${minReplicas} is more than maxReplicas, ${maxReplicas}`)] : [],
    ...metrics.flatMap(({ type, ...sources }, index) => Object.keys(sources).join() === type.charAt(0).toLowerCase() + type.slice(1)
      ? []
      : [problem(['autoscaling', 'metrics', index], 'the field that type names is to be given, and no other')]),
  ]
}

const problem = (path: Problem['path'], message: string): Problem => ({ path: ['spec', ...path], message })
