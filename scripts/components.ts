import { globSync, readFileSync } from 'node:fs'
import type { ChildKind, OptionalComponent } from '../src/myapp/children/child.ts'
import { childKinds } from '../src/myapp/children/index.ts'

/** The manifests that follow from the kinds of children. */

const root = new URL('../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')

const generatedLine = '# Generated from src/myapp/children by `npm run generate`.\n'

/** A kind that some clusters lack. */
type OptionalKind = ChildKind & { optional: OptionalComponent }
export const optionalKinds = childKinds.filter(
  (kind): kind is OptionalKind => kind.optional !== undefined,
)

const groupOf = ({ apiVersion }: ChildKind) =>
  apiVersion.includes('/') ? apiVersion.split('/')[0] : ''

/** metacontroller/NAME/kustomization.yaml: the component that adds a kind. */
const componentYaml = (kind: OptionalKind) => `${generatedLine}\
# ${kind.kind}s, for MyApps with \`${kind.optional.field}\`. While this component is installed,
# the cluster must have the CRDs of ${kind.optional.crds}:
# if a kind of the CompositeController is missing, Metacontroller syncs no MyApp.
# Without this component, MyApps with \`${kind.optional.field}\` have no ${kind.kind}, and a
# condition in their status reports this.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
  - target:
      kind: CompositeController
      name: myapp
    patch: |-
      - op: add
        path: /spec/childResources/-
        value:
          apiVersion: ${kind.apiVersion}
          resource: ${kind.resource}
          updateStrategy:
            method: InPlace
${roleYaml(kind, 'metacontroller', 'list, watch')}\
${roleYaml(kind, 'metacontroller-myapps', 'get, create, update, patch, delete')}`

const roleYaml = (kind: ChildKind, role: string, verbs: string) => `\
  - target:
      kind: ClusterRole
      name: ${role}
    patch: |-
      - op: add
        path: /rules/-
        value:
          apiGroups: [${groupOf(kind)}]
          resources: [${kind.resource}]
          verbs: [${verbs}]
`

/**
 * A kind without `optional.reason` also has a component in manifests/policies. A MyApp can be ready
 * without the kind, so permissions.yaml, which is for every cluster, must not require the right to
 * create the kind.
 */
export const kindsWithPolicy = optionalKinds.filter(
  ({ optional: { reason } }) => reason === undefined,
)

const policyComponentYaml = ({ kind, optional: { component, field } }: OptionalKind) => `\
${generatedLine}\
# A MyApp may have \`${field}\` only if its author may create ${kind}s. Use this component with
# \`policies\` and metacontroller/${component}. Without metacontroller/${component} it only refuses
# MyApps: no ${kind} is created, and by default ClusterRole edit has no right to ${kind}s.
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
resources:
  - ${component}.yaml
`

const policyYaml = (kind: OptionalKind) => `${generatedLine}\
# Like ../permissions.yaml, for the ${kind.kind}s of MyApps.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: myapp-operator-${kind.optional.component}
  labels:
    app.kubernetes.io/name: myapp-operator
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - apiGroups: [example.com]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [myapps]
  matchConditions:
    - name: has-${kind.optional.field.toLowerCase()}
      expression: object.?spec.${kind.optional.field}.hasValue()
    - name: spec-changes
      expression: oldObject == null || object.?spec != oldObject.?spec
  validations:
    - expression: >-
        authorizer.group('${groupOf(kind)}').resource('${kind.resource}')
        .namespace(object.metadata.namespace).check('create').allowed()
      message: "spec.${kind.optional.field}: you may not create ${kind.kind}s in this namespace"
      reason: Forbidden
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: myapp-operator-${kind.optional.component}
  labels:
    app.kubernetes.io/name: myapp-operator
spec:
  policyName: myapp-operator-${kind.optional.component}
  validationActions: [Deny]
`

/** manifests/policies/record.yaml with a rule for each API group of the kinds. */
function recordYaml(): string {
  const rules = [...Map.groupBy(childKinds, groupOf)].map(
    ([group, kinds]) => `\
      - apiGroups: [${group || '""'}]
        apiVersions: ["*"]
        operations: [CREATE, UPDATE]
        resources: [${kinds.map(({ resource }) => resource).join(', ')}]
`,
  )
  return read('manifests/policies/record.yaml').replace(
    /(?<=resourceRules:\n).*?(?= {2}matchConditions:)/s,
    rules.join(''),
  )
}

/** The kustomization of a folder with a comment that lists its components. */
function kustomizationYaml(folder: string): string {
  const components = globSync('**/kustomization.yaml', { cwd: new URL(`${folder}/`, root) })
    .filter((path) => /^kind: Component$/m.test(read(`${folder}/${path}`)))
    .map((path) => path.replace('/kustomization.yaml', ''))
    // The component `kustomize` is for overlays that contain MyApps: see docs/kustomize.md.
    .filter((name) => name !== 'kustomize')
    .sort()
  return read(`${folder}/kustomization.yaml`).replace(
    /(?<=^# components:\n)(# {3}- .*\n)*/m,
    components.map((name) => `#   - ${name}\n`).join(''),
  )
}

/** Every file with a part that follows from the kinds, and the function that returns its text. */
export const kindManifests: Record<string, () => string> = {
  ...Object.fromEntries(
    optionalKinds.map((kind) => [
      `metacontroller/${kind.optional.component}/kustomization.yaml`,
      () => componentYaml(kind),
    ]),
  ),
  ...Object.fromEntries(
    kindsWithPolicy.flatMap((kind) => {
      const { component } = kind.optional
      const folder = `manifests/policies/${component}`
      return [
        [`${folder}/kustomization.yaml`, () => policyComponentYaml(kind)],
        [`${folder}/${component}.yaml`, () => policyYaml(kind)],
      ]
    }),
  ),
  'manifests/policies/record.yaml': recordYaml,
  'manifests/kustomization.yaml': () => kustomizationYaml('manifests'),
  'metacontroller/kustomization.yaml': () => kustomizationYaml('metacontroller'),
}
