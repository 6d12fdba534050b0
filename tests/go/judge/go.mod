module etcd-pki.test/judge

go 1.26
