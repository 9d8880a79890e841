import Type from 'typebox'
import { apiVersion } from './myapp.ts'

/**
 * The spec of a MyAppInspection says which objects the operator examines for a MyApp with problems.
 * The status contains the findings. The sync hook returns the inspection as a child of the MyApp.
 * Nobody writes an inspection by hand.
 *
 * Related objects are expensive for Metacontroller, which compares each event of a related kind
 * with every parent. So the pods are related objects of inspections and not of MyApps, and only
 * MyApps with problems have an inspection.
 */

export const inspectionKind = 'MyAppInspection'
export const inspectionResource = 'myappinspections'
/** The key of inspections in `children`. */
export const inspectionGvk = `${inspectionKind}.${apiVersion}`

const opt = Type.Optional
/** The maximum length of a sentence in an inspection. */
export const sentenceMaxLength = 1024
/** The largest number of pods that an inspection lists. */
export const maxListedPods = 20
/** The largest number of missing children in an inspection. */
export const maxMissing = 32

/**
 * The findings about pods that are written as a sentence, with their meaning. `findingsOf` in
 * findings.ts derives each of them.
 */
const findings = {
  failing: 'Why pods fail.',
  stuck: 'Why pods still fail although they had enough time to start.',
  awaited: 'What starting pods wait for.',
  ended: 'Why pods have ended.',
} as const
export type FindingName = keyof typeof findings
export const findingNames = Object.keys(findings) as FindingName[]

const sentence = (description: string) =>
  opt(Type.String({ description, maxLength: sentenceMaxLength }))
const sentences = Object.fromEntries(
  Object.entries(findings).map(([name, meaning]) => [name, sentence(meaning)]),
) as Record<FindingName, ReturnType<typeof sentence>>

export const InspectionSpec = Type.Object(
  {
    pods: Type.Boolean({ description: 'Look at the pods of the MyApp.' }),
    missing: Type.Array(Type.String({ maxLength: 320 }), {
      description: 'Desired children that do not exist, as Kind/name.',
      maxItems: maxMissing,
      'x-kubernetes-list-type': 'atomic',
    }),
  },
  { description: 'Objects to look at.' },
)

const InspectedPod = Type.Object({
  name: Type.String(),
  phase: opt(Type.String()),
  node: opt(Type.String()),
  ready: Type.Boolean(),
  restarts: Type.Integer({ format: 'int32' }),
  reason: opt(Type.String({ maxLength: sentenceMaxLength })),
})

const TakenName = Type.Object({
  kind: Type.String(),
  name: Type.String(),
  terminating: Type.Boolean({ description: 'The other object is being deleted.' }),
})

export const InspectionStatus = Type.Object(
  {
    observedGeneration: opt(Type.Integer({ format: 'int64' })),
    ...sentences,
    taken: opt(
      Type.Array(TakenName, {
        description: 'Foreign objects that have the name of a child.',
        maxItems: maxMissing,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    pods: opt(
      Type.Array(InspectedPod, {
        description: `At most ${maxListedPods} pods. Pods that are not ready come first.`,
        maxItems: maxListedPods,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
  },
  { description: 'Findings.' },
)

export type InspectionSpec = Type.Static<typeof InspectionSpec>
export type InspectionStatus = Type.Static<typeof InspectionStatus>
export type InspectedPod = Type.Static<typeof InspectedPod>
export type TakenName = Type.Static<typeof TakenName>
