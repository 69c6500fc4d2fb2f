"""Reinforcement: answers are rewarded for what the trace bears out, through TRL's GRPO."""
