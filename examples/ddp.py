"""Descent in several processes with PyTorch's DistributedDataParallel.

torchrun --nproc-per-node 3 examples/ddp.py
"""

import torch

dist, nn = torch.distributed, torch.nn
dist.init_process_group("gloo")  # "nccl" on GPUs
rank, processes = dist.get_rank(), dist.get_world_size()
X = torch.arange(60.0).reshape(12, 5).mul(0.7).sin()
y = X.exp().sum(1, keepdim=True)
mine = slice(rank, None, processes)  # this process's examples
net = nn.Linear(5, 1)
nn.init.zeros_(net.weight)
nn.init.zeros_(net.bias)

model = nn.parallel.DistributedDataParallel(net)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
for _ in range(40):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(X[mine]), y[mine])
    loss.backward()  # here the gradients become their mean over the processes
    optimizer.step()
if rank == 0:
    whole = nn.functional.mse_loss(net(X), y)
    print(f"{processes} processes: loss {whole:.3f}")
dist.destroy_process_group()
