/**
 * The known differences of server-side apply from dynamic apply, Metacontroller's default. All
 * other expectations of the scenarios hold under both.
 */
export const applyDifferences = {
  'foreign list items stay':
    'To remove a foreign item, the operator first adopts it in the last-applied annotation. ' +
    'Under server-side apply there is no such annotation. Service selectors are atomic, so ' +
    'they are still repaired.',
  'an edited port stays':
    'Ports are merged by number. The edited port belongs to its editor. With the desired port ' +
    'beside it the name would be a duplicate, which the API server refuses.',
  'labels of a Deployment are not repaired':
    'Metacontroller applies a child again only when its generation changes, and labels do not ' +
    'change it. Services have no generation, so they are repaired.',
  'annotations of an Ingress are not repaired': 'Annotations do not change the generation either.',
  'line separators in values become spaces':
    'The child is sent as YAML, where U+0085, U+2028 and U+2029 end a line.',
} as const

export type Difference = keyof typeof applyDifferences
