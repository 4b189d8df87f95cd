module holdfast-receiver

go 1.18
