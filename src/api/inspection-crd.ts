import { structural } from './crd.ts'
import {
  inspectionKind,
  inspectionResource,
  InspectionSpec,
  InspectionStatus,
} from './inspection.ts'
import { group, version } from './myapp.ts'

/** The CustomResourceDefinition of MyAppInspection, for manifests/inspection-crd.yaml. */
export const inspectionResourceDefinition = (): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${inspectionResource}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: {
      kind: inspectionKind,
      listKind: `${inspectionKind}List`,
      plural: inspectionResource,
      singular: 'myappinspection',
      shortNames: ['mai'],
    },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Missing', type: 'string', jsonPath: '.spec.missing' },
          { name: 'Failing', type: 'string', jsonPath: '.status.failing' },
          { name: 'Awaited', type: 'string', jsonPath: '.status.awaited' },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description:
              'Findings of the operator about a MyApp with problems. The operator creates and ' +
              'deletes it: do not create one.',
            required: ['spec'],
            properties: {
              apiVersion: { type: 'string' },
              kind: { type: 'string' },
              metadata: { type: 'object' },
              spec: structural(InspectionSpec),
              status: structural(InspectionStatus),
            },
          },
        },
      },
    ],
  },
})
