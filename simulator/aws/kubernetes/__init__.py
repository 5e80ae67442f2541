"""Kubernetes: how a Deployment's pods are scaled, on EKS or elsewhere."""
