/**
 * The names of the attributes that only this operator sets on spans and events. Standard names come
 * from @opentelemetry/semantic-conventions. docs/telemetry.md explains each; a test compares them.
 */
export const attribute = {
  hook: 'myapp_operator.hook',
  controllerName: 'myapp_operator.controller.name',
  myAppName: 'myapp_operator.myapp.name',
  myAppUid: 'myapp_operator.myapp.uid',
  myAppGeneration: 'myapp_operator.myapp.generation',
  phaseBefore: 'myapp_operator.phase.before',
  phaseAfter: 'myapp_operator.phase.after',
  reason: 'myapp_operator.reason',
  childrenObserved: 'myapp_operator.children.observed',
  childrenDesired: 'myapp_operator.children.desired',
  resync: 'myapp_operator.resync',
  resourceKind: 'myapp_operator.resource.kind',
  resourceName: 'myapp_operator.resource.name',
  resourceFields: 'myapp_operator.resource.fields',
  conditionType: 'myapp_operator.condition.type',
  conditionBefore: 'myapp_operator.condition.before',
  conditionAfter: 'myapp_operator.condition.after',
  conditionReason: 'myapp_operator.condition.reason',
} as const

/** The names of span events. */
export const event = {
  create: 'resource.create',
  update: 'resource.update',
  delete: 'resource.delete',
  condition: 'condition.change',
  exception: 'exception',
} as const
