import Type from 'typebox'
import {
  choice,
  distinct,
  formatted,
  list,
  listByKey,
  object,
  opt,
  rule,
  rules,
  text,
} from './fields.ts'

/**
 * Fields of a MyApp that decide how its containers resolve host names. They have the names and the
 * meaning of the fields of a Kubernetes pod.
 */

export const HostAliases = listByKey(
  'Lines added to /etc/hosts of the containers.',
  object('An IP address and its host names.', {
    ip: formatted('ipAddress', 'IP address.', { maxLength: 45 }),
    hostnames: list(
      'Host names of the address.',
      Type.String({ maxLength: 253, format: 'objectName' }),
      32,
      { minItems: 1 },
    ),
  }),
  32,
  'ip',
)

export const DnsConfig = object('DNS settings, added to those of dnsPolicy.', {
  nameservers: opt(
    list('IP addresses of DNS servers.', Type.String({ maxLength: 45, format: 'ipAddress' }), 3),
  ),
  searches: opt(
    list(
      'Domains in which short names are looked up.',
      Type.String({ maxLength: 254, format: 'searchDomain' }),
      8,
    ),
  ),
  options: opt(
    list(
      'Options of the resolver.',
      object('An option.', {
        name: text('Name, such as ndots.', { minLength: 1, maxLength: 253 }),
        value: opt(text('Value, such as "2".', { maxLength: 253 })),
      }),
      16,
      rules(distinct('name')),
    ),
  ),
})

export const DnsPolicy = choice(
  ['ClusterFirst', 'Default', 'None'],
  'ClusterFirst: the DNS of the cluster. Default: the DNS of the node. None: dnsConfig only. ' +
    'Defaults to ClusterFirst.',
)

/**
 * The message for dnsPolicy None without a server. cross-field.ts checks the same rule in
 * TypeScript.
 */
export const dnsPolicyMessage = 'dnsConfig.nameservers must be set when dnsPolicy is None'
/** The CEL rule on `spec` with this message. */
export const dnsPolicyRule = rule(
  "!has(self.dnsPolicy) || self.dnsPolicy != 'None' || (has(self.dnsConfig) && " +
    'has(self.dnsConfig.nameservers) && size(self.dnsConfig.nameservers) > 0)',
  dnsPolicyMessage,
)
