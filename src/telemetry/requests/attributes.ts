/**
 * The names of the attributes that only this operator sets on spans and events. Standard names come
 * from @opentelemetry/semantic-conventions.
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

/** The meaning of each attribute. `npm run generate` lists them in docs/telemetry.md. */
export const attributeMeanings: Record<keyof typeof attribute, string> = {
  hook: 'The hook: `sync`, `finalize`, `customize`, `inspect` or `inspect-customize`.',
  controllerName: 'Name of the CompositeController in the request.',
  myAppName:
    'Name of the MyApp, also in requests for its inspection. The namespace is in ' +
    '`k8s.namespace.name`.',
  myAppUid: 'UID of the parent: the MyApp or the inspection.',
  myAppGeneration: 'Generation of the parent.',
  phaseBefore: 'Phase in the status of the request. Absent for a new MyApp.',
  phaseAfter: 'Phase in the returned status.',
  reason: 'Reason of the returned Ready condition.',
  childrenObserved: 'Number of children in the request.',
  childrenDesired: 'Number of children in the response.',
  resync: 'True if the response changes no child and no status, as in a periodic request.',
  resourceKind: 'Kind of the child of an event.',
  resourceName: 'Name of the child of an event.',
  resourceFields: 'Paths of the first 32 fields that differ, without their values.',
  conditionType: 'Condition whose status changes.',
  conditionBefore:
    'Status of the condition in the request. `Unknown` if the condition did not exist.',
  conditionAfter: 'Status of the condition in the response.',
  conditionReason: 'Reason of the condition in the response.',
}

/** The names of span events. */
export const event = {
  create: 'resource.create',
  update: 'resource.update',
  delete: 'resource.delete',
  condition: 'condition.change',
  exception: 'exception',
} as const

/** When each event occurs. `npm run generate` lists them in docs/telemetry.md. */
export const eventMeanings: Record<keyof typeof event, string> = {
  create: 'The response contains a child that does not exist.',
  update: 'The response changes a child that exists and is not being deleted.',
  delete: 'The response does not contain a child that exists and is not being deleted.',
  condition: 'The response changes the status of a condition.',
  exception: 'The request was not answered with 200.',
}
