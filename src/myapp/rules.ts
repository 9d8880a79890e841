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
  return [...envProblems(spec.env ?? []), ...twice(['volumes'], spec.volumes ?? []), ...contradictions(spec)]
}

function envProblems (env: NonNullable<MyAppSpec['env']>): Problem[] {
  const characters = env.reduce((sum, { name, value = '' }) => sum + [...name].length + [...value].length, 0)
  return [
    ...twice(['env'], env),
    ...characters > envMaxCharacters ? [problem(['env'], `names and values have ${characters} characters in all, more than the ${envMaxCharacters} that fit`)] : [],
    ...env.flatMap(({ value, valueFrom }, index) => value && valueFrom ? [problem(['env', index], 'value and valueFrom are both given')] : []),
  ]
}

/** Names that an item of a list before has already. */
function twice (list: string[], items: Array<{ name: string }>): Problem[] {
  const names = new Set<string>()
  return items.flatMap(({ name }, index) => names.size === names.add(name).size ? [problem([...list, index, 'name'], `${JSON.stringify(name)} is there twice`)] : [])
}

function contradictions (spec: MyAppSpec): Problem[] {
  const { podSecurity, securityContext, containerSecurityContext, expose, ingress, gateway, minReadySeconds = 0, progressDeadlineSeconds = 600, strategy } = spec
  return [
    ...(securityContext || containerSecurityContext) && podSecurity !== 'Custom' ? [problem(['podSecurity'], 'securityContext and containerSecurityContext go with podSecurity Custom only')] : [],
    ...expose === false && (ingress || gateway) ? [problem(['expose'], 'ingress and gateway need a Service, and expose is false')] : [],
    ...minReadySeconds >= progressDeadlineSeconds ? [problem(['minReadySeconds'], `${minReadySeconds} is not less than progressDeadlineSeconds, ${progressDeadlineSeconds}`)] : [],
    ...autoscalingProblems(spec.autoscaling),
    ...twice(['gateway', 'parentRefs'], gateway?.parentRefs ?? []).map(({ path, message }) => ({ path, message: `${message}; without a sectionName it stands for all of its listeners` })),
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
