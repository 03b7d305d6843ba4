import { defineStory, say } from 'healthz'
import { apiServer } from './api-server.ts'
import { jobs } from './jobs.ts'
import { nodes } from './nodes.ts'
import { options } from './options.ts'
import { pods } from './pods.ts'
import { pvc } from './pvc.ts'
import { openCluster } from './target.ts'
import { workloads } from './workloads.ts'

/** A Kubernetes cluster, seen through its API. */
export default defineStory({
  title: say`Kubernetes`,
  scope: 'cluster',
  options,
  open: openCluster,
  steps: { api: apiServer, nodes, workloads, pods, jobs, pvc },
  guide: {
    example: `# In a pod of the cluster nothing else is needed:
- story: k8s
# From outside:
- story: k8s
  with:
    url: https://10.0.0.1:6443
    tokenFile: /etc/healthz/k8s-token
    ca: \${file:/etc/healthz/k8s-ca.pem}
    ignore: [kube-system]
    prometheus: http://prometheus:9090
# Or by a kubeconfig that this program may read. Programs that log in (exec, auth-provider) are not run.
- story: k8s
  name: shop-cluster
  with:
    kubeconfig: /etc/healthz/kubeconfig
    context: shop`,
    rights: `kubectl create namespace healthz
kubectl create serviceaccount healthz -n healthz
kubectl apply -f - <<'EOF'
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: healthz}
rules:
- {apiGroups: [''], resources: [nodes, pods, persistentvolumeclaims], verbs: [get, list]}
- {apiGroups: [apps], resources: [deployments, statefulsets, daemonsets], verbs: [get, list]}
- {apiGroups: [batch], resources: [jobs, cronjobs], verbs: [get, list]}
- {apiGroups: [storage.k8s.io], resources: [storageclasses], verbs: [get, list]}
- {nonResourceURLs: [/version, /readyz], verbs: [get]}
# Only for the cures:
# - {apiGroups: [apps], resources: [deployments, statefulsets, daemonsets], verbs: [patch]}
# - {apiGroups: [''], resources: [pods], verbs: [delete]}
EOF
kubectl create clusterrolebinding healthz --clusterrole=healthz --serviceaccount=healthz:healthz`,
  },
})
