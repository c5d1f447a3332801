package telemetry

import "time"

// EventObject is the event name of a log record that is one version of a Kubernetes object. Its body is the object as JSON,
// without noise (managed fields, heartbeats) and with credentials masked; the ingester stores it in k8s_objects and nowhere else.
const EventObject = "midwatch.k8s.object"

// Attributes of EventObject and of EventKubernetes. The resource names the cluster (K8sClusterUID) and, of a namespaced object, K8sNamespace.
const (
	K8sClusterUID            = "k8s.cluster.uid" // uid of the namespace kube-system: two clusters may have one name
	K8sObjectKind            = "k8s.object.kind"
	K8sObjectAPIVersion      = "k8s.object.api_version"
	K8sObjectName            = "k8s.object.name"
	K8sObjectUID             = "k8s.object.uid"
	K8sObjectResourceVersion = "k8s.object.resource_version"
	ObjectAction             = "midwatch.k8s.action" // one of the values below
	ObjectActor              = "midwatch.k8s.actor"  // field manager of what changed: kubectl, kube-controller-manager, helm; "" when the object does not tell
	ObjectDiff               = "midwatch.k8s.diff"   // JSON [{"path":"/spec/replicas","before":3,"after":5}], of Modified; at most 64 KiB
	ObjectWorkload           = K8sWorkload           // as K8sWorkload: the topmost controller of the object, itself included
)

// RecordUID is OpenTelemetry's name for what makes a record the same when it is told twice. Of what an exporter tells of a cluster: uid, resource version
// and action, on the first of the records that were told together.
const RecordUID = "log.record.uid"

// Values of ObjectAction.
const (
	ObjectAdded    = "added"
	ObjectModified = "modified"
	ObjectDeleted  = "deleted"
	ObjectSnapshot = "snapshot" // what is there, said again every SnapshotEvery, so that no question looks back further than that
)

// SnapshotEvery is how often what is there is said again.
const SnapshotEvery = 24 * time.Hour

// EventKubernetes is the event name of a log record that is a Kubernetes Event. Its body is the note; ObjectWorkload and the K8sObject attributes name what it regards.
const EventKubernetes = "k8s.event"

// Attributes of EventKubernetes.
const (
	K8sEventReason    = "k8s.event.reason"
	K8sEventType      = "k8s.event.type" // Normal, Warning
	K8sEventCount     = "k8s.event.count"
	K8sEventUID       = "k8s.event.uid"
	K8sEventComponent = "k8s.event.reporting_component"
	K8sFieldPath      = "k8s.object.fieldpath" // spec.containers{api}
)

// EventChange is the event name of a change that the exporter read off two versions of an object and that is no deployment of a service:
// scaling, configuration, node, quota. A rollout is an EventDeployment. Both carry ChangeKind, ChangeBefore, ChangeAfter, ChangeDetail, ObjectActor,
// ChangeID, the K8sObject attributes, and as service.name the workload's service.
const EventChange = "midwatch.k8s.change"

// ChangeID is the same when a change is told twice: of an object its uid, resource version and kind; of a machine's deployment a digest.
const ChangeID = "midwatch.change.id"

// Values of ChangeKind beside executable, arguments and configuration.
const (
	ChangeConfiguration = "configuration" // of a ConfigMap, once for each workload that uses it: an EventDeployment; an EventChange when none does

	ChangeImage     = "image"
	ChangeEnv       = "environment" // variables of a container
	ChangeCommand   = "command"
	ChangeResources = "resources"
	ChangeProbes    = "probes"
	ChangeTemplate  = "template" // anything else of a pod template
	ChangeReplicas  = "replicas"
	ChangeNode      = "node" // cordon, taints, conditions
	ChangeQuota     = "quota"
	ChangeLimits    = "autoscaler" // bounds of a HorizontalPodAutoscaler
	ChangeNetwork   = "network"    // Service selectors and ports, Ingresses, NetworkPolicies
)

// More resource attributes of what runs in Kubernetes.
const (
	K8sNode      = "k8s.node.name"
	K8sPodUID    = "k8s.pod.uid"
	K8sContainer = "k8s.container.name"
	K8sPodLabel  = "k8s.pod.label." // and the key of a label that exporter.kubernetes.pod_labels names
)

// PeerNode is an attribute of spans and connection counts: the node whose address the other end has, when it is no pod's or Service's.
const PeerNode = "midwatch.peer.node"

// Metrics of the exporter's Kubernetes side.
const (
	KubeVersions = "midwatch.kubernetes.versions" // {version}, cumulative: attribute outcome (published, equal, replayed, snapshot, cut, event, change)
	KubeWatched  = "midwatch.kubernetes.watched"  // 1 or 0 per resource: attributes k8s.resource, reason (forbidden, not_served) when 0
	KubeIndex    = "midwatch.kubernetes.index"    // {pod}, attribute state (present, gone)
	KubeLeading  = "midwatch.kubernetes.leading"  // 1 of the replica that publishes
)

// ServiceOf is the service.name of a workload: its name and its namespace, as cluster DNS writes them.
func ServiceOf(namespace, workload string) string { return workload + "." + namespace }
