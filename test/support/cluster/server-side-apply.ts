/**
 * What Metacontroller's server-side apply does otherwise than its default, dynamic apply, and why. Everything else that the
 * scenarios expect holds under both.
 */
export const applyDifferences = {
  'foreign list items stay':
    'Only what the operator once applied itself is taken away, and nothing tells the hook ' +
    'what was applied: there is no last-applied annotation. Service selectors are atomic ' +
    'and repaired all the same.',
  'an edited port stays':
    'Ports are merged by number: the edited one belongs to whoever edited it, and with ours ' +
    'beside it the name is there twice, which the API server refuses.',
  'labels of a Deployment are not repaired':
    'A child is applied anew only when its generation changes, and labels do not count. ' +
    'Services have no generation and are repaired.',
  'annotations of an Ingress are not repaired': 'For the same reason: its generation stands still.',
  'line separators in values become spaces':
    'The child is sent as YAML, where U+0085, U+2028 and U+2029 end a line.',
} as const

export type Difference = keyof typeof applyDifferences
