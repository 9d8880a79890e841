/** Every attribute under the operator's own prefix, and what it says. docs/telemetry.md lists them. */
export const attributes = {
  'myapp_operator.hook': 'Hook that was called: `sync`, `finalize` or `customize`.',
  'myapp_operator.controller.name': 'CompositeController on whose behalf Metacontroller calls.',
  'myapp_operator.myapp.name': 'Name of the MyApp; its namespace is `k8s.namespace.name`.',
  'myapp_operator.myapp.uid': 'UID of the MyApp.',
  'myapp_operator.myapp.generation': 'Generation of its spec.',
  'myapp_operator.phase.before':
    'Phase in the status that came with the request; absent from a new MyApp.',
  'myapp_operator.phase.after': 'Phase in the status that was answered.',
  'myapp_operator.reason': 'Reason of the Ready condition that was answered.',
  'myapp_operator.children.observed': 'Children that exist.',
  'myapp_operator.children.desired': 'Children that shall exist.',
  'myapp_operator.resync':
    'True if the answer changes nothing, neither a child nor the status: what a periodic call looks like.',
  'myapp_operator.resource.kind': 'Kind of the child that an event is about.',
  'myapp_operator.resource.name': 'Name of the child that an event is about.',
  'myapp_operator.resource.fields': 'Paths of the fields that differ, never their values.',
  'myapp_operator.condition.type': 'Condition whose status changes.',
  'myapp_operator.condition.before': 'Its status before; `Unknown` if it had none.',
  'myapp_operator.condition.after': 'Its status now.',
  'myapp_operator.condition.reason': 'The reason for its status now.',
} as const

/** The names of span events, and when there is one. */
export const events = {
  'resource.create': 'A child is answered that does not exist.',
  'resource.update':
    'A child is answered that differs from what exists, or from what was applied last, and is not being deleted.',
  'resource.delete': 'A child exists that is not answered.',
  'condition.change': 'A condition is answered with another status.',
  exception: 'The call is not answered with 200.',
} as const
