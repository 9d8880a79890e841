import type { KubernetesObject } from '../../metacontroller/protocol.ts'
import type { ExactField } from '../../metacontroller/repair.ts'
import type { MyAppSpec } from '../../api/myapp.ts'
import type { App } from '../app.ts'
import type { Reason } from '../status/reasons.ts'
import type { Compact } from './compact.ts'
import { childLabels } from './labels.ts'

/**
 * The stages in which the children of a deleted MyApp are deleted. Objects that send traffic to the
 * pods or scale them go first, then the Deployment, then the objects that the pods need. The last
 * two stages usually happen together: see finalize.ts.
 */
export const deleteStages = ['before the pods', 'with the pods', 'after the pods'] as const
export type DeleteStage = (typeof deleteStages)[number]

/**
 * A kind that a cluster may lack, so the default installation does not manage it. `npm run
 * generate` writes its component in metacontroller/, and in manifests/policies/ if it has no
 * `reason`.
 */
interface OptionalDefinition {
  /** The component in metacontroller/ that adds the kind. */
  component: string
  /** The field of the spec that requests the kind. */
  field: keyof MyAppSpec
  /** The project whose CRDs the component needs. */
  crds: string
  /** What a MyApp can use instead, for the message. */
  alternative: string
  /**
   * The reason of condition Ready while the component is not installed. If undefined, the missing
   * component does not affect Ready, and only another condition reports it.
   */
  reason?: Reason
}

export interface OptionalComponent extends OptionalDefinition {
  /** The message of a MyApp that needs the kind while the component is not installed. */
  message: string
}

/** One kind of child: its API, its spec, and how it is repaired and deleted. */
export interface ChildKind {
  apiVersion: string
  kind: string
  /** The plural of the kind, as in API paths. */
  resource: string
  /** The key of its objects in `children` and `related`, such as `Deployment.apps/v1`. */
  gvk: string
  /**
   * The children of this kind that a MyApp has, as the API server stores them: no null, no empty
   * list, no zero value that the server drops. Otherwise Metacontroller would write the child at
   * every sync.
   */
  desired: (app: App) => KubernetesObject[]
  /** The fields in which nobody else may add anything. */
  exactFields: ExactField[]
  deleteStage: DeleteStage
  optional?: OptionalComponent
}

interface Definition {
  apiVersion: string
  kind: string
  resource: string
  deleteStage: DeleteStage
  exact?: ExactField[]
  optional?: OptionalDefinition
  /** The labels, if they are not those of every child. */
  labels?: (app: App) => Record<string, string>
  /** The annotations of the child. */
  annotations?: (app: App) => Record<string, string> | undefined
}

/** A kind whose objects have a spec. */
interface WithSpec<Spec extends object> extends Definition {
  /** The spec of the child of a MyApp; undefined if the MyApp has no such child. */
  spec: (app: App) => Compact<Spec> | undefined
}

/** A kind whose objects have only metadata. */
interface WithoutSpec extends Definition {
  isDesired: (app: App) => boolean
}

/**
 * Defines a kind of child. A MyApp has at most one child of the kind, with the name of the MyApp.
 * `Spec` is the type of the child's spec. `spec` returns the result of `compact<Spec>`, so that a
 * misspelled field does not compile: TypeScript does not check a returned object for unknown
 * fields.
 */
export const defineChild = <Spec extends object>(
  definition: WithSpec<Spec> | WithoutSpec,
): ChildKind => {
  const { apiVersion, kind, resource, deleteStage, exact = [], optional } = definition
  const { labels = childLabels, annotations } = definition
  return {
    apiVersion,
    kind,
    resource,
    gvk: `${kind}.${apiVersion}`,
    deleteStage,
    exactFields: exact,

    ...(optional && { optional: { ...optional, message: notEnabled(kind, optional) } }),
    desired: (app) => {
      const spec = 'spec' in definition ? definition.spec(app) : undefined
      const isDesired = 'spec' in definition ? spec !== undefined : definition.isDesired(app)
      if (!isDesired) return []
      const { name, namespace } = app
      const ownAnnotations = annotations?.(app) ?? {}
      return [
        {
          apiVersion,
          kind,
          metadata: {
            name,
            namespace,
            labels: labels(app),
            ...(Object.keys(ownAnnotations).length > 0 && { annotations: ownAnnotations }),
          },
          ...(spec && { spec }),
        },
      ]
    },
  }
}

const notEnabled = (kind: string, { component, field, alternative }: OptionalDefinition) =>
  `spec.${field} needs ${kind}s, which are not enabled here: ` +
  `install the ${component} component of the operator, or ${alternative}`
