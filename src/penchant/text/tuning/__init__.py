"""The parts of fine-tuning, one idea a file; `penchant.text.finetune` puts them together."""
